-- KEYS: documents, meta, index, once, state.  ARGV: layout, token of the change, key of the record, its workspace or '*' for any.
-- Answers `done`, `none`, `in_use`, `layout`.

local DOCUMENTS, META, INDEX, ONCE, STATE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local layout, token, key, scope = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

redis.call('HLEN', DOCUMENTS)
redis.call('HLEN', ONCE)
if redis.call('HGET', STATE, 'layout') ~= layout then return 'layout' end
local text = redis.call('HGET', META, key)
local filing = text and cjson.decode(text)
if not filing or (scope ~= '*' and filing.scope ~= scope) then return 'none' end

-- A record that points at itself is in nobody's way.
local prefix = 'ref\31' .. key .. '\31'
local pointing = redis.call('ZRANGEBYLEX', INDEX, '[' .. prefix, '(' .. string.sub(prefix, 1, -2) .. ' ', 'LIMIT', 0, 2)
for _, entry in ipairs(pointing) do
  if entry ~= prefix .. key then return 'in_use' end
end

for _, entry in ipairs(entries_of(filing)) do redis.call('ZREM', INDEX, entry) end
for _, rule in ipairs(filing.once) do
  if redis.call('HGET', ONCE, rule[1]) == key then redis.call('HDEL', ONCE, rule[1]) end
end
redis.call('HDEL', DOCUMENTS, key)
redis.call('HDEL', META, key)
redis.call('HSET', STATE, 'changed:' .. string.match(key, '^[^\31]*'), token)
return 'done'
