-- KEYS: documents, meta, index, once, state.  ARGV: layout that must stand, then for each record: filing, the document that it was made from.
-- Files records again in an upgrade. A document that changed meanwhile is an error of somebody who writes without looking at the layout.

local DOCUMENTS, META, INDEX, ONCE, STATE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
if redis.call('HGET', STATE, 'layout') ~= ARGV[1] then return 'layout' end
for index = 2, #ARGV, 2 do
  local filing = cjson.decode(ARGV[index])
  if redis.call('HGET', DOCUMENTS, filing.key) ~= ARGV[index + 1] then return 'changed' end
end
for index = 2, #ARGV, 2 do
  local filing = cjson.decode(ARGV[index])
  redis.call('HSET', META, filing.key, ARGV[index])
  for _, entry in ipairs(entries_of(filing)) do redis.call('ZADD', INDEX, 0, entry) end
  for _, rule in ipairs(filing.once) do redis.call('HSET', ONCE, rule[1], filing.key) end
end
return 'done'
