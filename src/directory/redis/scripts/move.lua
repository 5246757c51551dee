-- KEYS: documents, state.  ARGV: the layout of a store that is being filled. An empty store gets it; 1 where it has it now, 0 where others fill it.
if redis.call('HGET', KEYS[2], 'layout') == ARGV[1] then return 1 end
if redis.call('HLEN', KEYS[1]) > 0 then return 0 end
redis.call('HSET', KEYS[2], 'layout', ARGV[1])
return 1
