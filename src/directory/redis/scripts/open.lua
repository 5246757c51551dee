-- KEYS: documents, state.  ARGV: layout, a text that the sealing key has sealed.
-- An empty store becomes one of this layout and key. Answers the layout, empty where records have none, and the sealed text that stand.

local DOCUMENTS, STATE = KEYS[1], KEYS[2]
if redis.call('HLEN', DOCUMENTS) == 0 then redis.call('HSETNX', STATE, 'layout', ARGV[1]) end
redis.call('HSETNX', STATE, 'sealed', ARGV[2])
return { redis.call('HGET', STATE, 'layout') or '', redis.call('HGET', STATE, 'sealed') }
