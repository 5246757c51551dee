-- KEYS: ended, facts.  ARGV: lower end, upper end, how many. Answers the last entry or '', then the facts of the calls that ended in that time.
local entries = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
if #entries == 0 then return { '' } end
local ids = {}
for index, entry in ipairs(entries) do ids[index] = string.match(entry, '\31(.*)$') end
local answer = { entries[#entries] }
for _, facts in ipairs(redis.call('HMGET', KEYS[2], unpack(ids))) do answer[#answer + 1] = facts or '' end
return answer
