-- KEYS: documents, index.
-- ARGV: table, length of the place's text, upper end, lower end, how many are wanted, how many may be looked at,
--       the fact in which a text is looked for (`name=`) or '', that text, then the facts that must all be there.
-- Answers: 1 when the lower end was reached, the upper end to go on from, then the documents, newest first. Looks at a bounded number of entries, so
-- that nobody else waits for long; who asks goes on.

local DOCUMENTS, INDEX = KEYS[1], KEYS[2]
local of_table, place_length = ARGV[1], tonumber(ARGV[2])
local upper, lower = ARGV[3], ARGV[4]
local wanted, looks_max = tonumber(ARGV[5]), tonumber(ARGV[6])
local part_of, sought = ARGV[7], ARGV[8]
local PIECE = 250

-- Where the id begins: after the place, a separator, 16 digits and another separator.
local id_at = place_length + 19

local function fits(entry, facts_at)
  for index = 9, #ARGV do
    if not string.find(entry, ARGV[index], facts_at, true) then return false end
  end
  if sought == '' then return true end
  local _, begin = string.find(entry, '\31' .. part_of, facts_at, true)
  if not begin then return false end
  local found, _ = string.find(entry, sought, begin + 1, true)
  return found ~= nil and found < string.find(entry, '\31', begin + 1, true)
end

local keys, looked, is_end = {}, 0, 0
local is_filtered = #ARGV >= 9 or sought ~= ''
while #keys < wanted and looked < looks_max do
  local piece = is_filtered and PIECE or math.min(wanted - #keys, looks_max)
  local entries = redis.call('ZREVRANGEBYLEX', INDEX, upper, lower, 'LIMIT', 0, piece)
  for _, entry in ipairs(entries) do
    upper = '(' .. entry
    looked = looked + 1
    local facts_at = string.find(entry, '\31', id_at, true)
    if not is_filtered or fits(entry, facts_at) then
      keys[#keys + 1] = of_table .. '\31' .. string.sub(entry, id_at, facts_at - 1)
      if #keys == wanted then break end
    end
  end
  if #entries < piece and #keys < wanted then
    is_end = 1
    break
  end
end

local answer = { is_end, upper }
if #keys > 0 then
  for _, document in ipairs(redis.call('HMGET', DOCUMENTS, unpack(keys))) do answer[#answer + 1] = document end
end
return answer
