-- KEYS: list, ended, facts of a workspace, or of all.
-- ARGV: the oldest time that is kept, ms that the keys are kept after the last call, then for each call: created, id, ended or '', facts.
-- Saying the same again changes nothing; of one call what was said last stands. Calls that are older than what is kept leave, some at a time.

local LIST, ENDED, FACTS = KEYS[1], KEYS[2], KEYS[3]
local oldest, kept_ms = ARGV[1], ARGV[2]
local LEAVING = 200

-- The third and fourth of the facts are when the call was made and when it ended. Of what recovery tells again both may differ.
local function drop_entries(id, facts)
  local created, ended = string.match(facts, '^[^\31]*\31[^\31]*\31([^\31]*)\31([^\31]*)')
  if created then redis.call('ZREM', LIST, created .. '\31' .. id) end
  if ended and ended ~= '' then redis.call('ZREM', ENDED, ended .. '\31' .. id) end
end

redis.call('ZCARD', LIST)
redis.call('ZCARD', ENDED)
for index = 3, #ARGV, 4 do
  local created, id, ended, facts = ARGV[index], ARGV[index + 1], ARGV[index + 2], ARGV[index + 3]
  local before = redis.call('HGET', FACTS, id)
  if before and before ~= facts then drop_entries(id, before) end
  redis.call('ZADD', LIST, 0, created .. '\31' .. id)
  if ended ~= '' then redis.call('ZADD', ENDED, 0, ended .. '\31' .. id) end
  redis.call('HSET', FACTS, id, facts)
end
for _, entry in ipairs(redis.call('ZRANGEBYLEX', LIST, '-', '(' .. oldest, 'LIMIT', 0, LEAVING)) do
  local id = string.match(entry, '\31(.*)$')
  local facts = redis.call('HGET', FACTS, id)
  if facts then drop_entries(id, facts) end
  redis.call('HDEL', FACTS, id)
  redis.call('ZREM', LIST, entry)
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, kept_ms) end
return 'done'
