-- KEYS: list, facts.  ARGV: upper end, how many are wanted, how many may be looked at, state or '', direction or ''.
-- Answers: 1 when the end was reached, the upper end to go on from, then `<created>␟<id>` of the calls, newest first.

local LIST, FACTS = KEYS[1], KEYS[2]
local upper, wanted, looks_max = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local state, direction = ARGV[4], ARGV[5]
local is_filtered = state ~= '' or direction ~= ''
local PIECE = 250

local found, looked, is_end = {}, 0, 0
while #found < wanted and looked < looks_max do
  local piece = is_filtered and PIECE or math.min(wanted - #found, looks_max)
  local entries = redis.call('ZREVRANGEBYLEX', LIST, upper, '-', 'LIMIT', 0, piece)
  local facts = {}
  if is_filtered and #entries > 0 then
    local ids = {}
    for index, entry in ipairs(entries) do ids[index] = string.match(entry, '\31(.*)$') end
    facts = redis.call('HMGET', FACTS, unpack(ids))
  end
  for index, entry in ipairs(entries) do
    upper = '(' .. entry
    looked = looked + 1
    local its_state, its_direction = string.match(facts[index] or '', '^([^\31]*)\31([^\31]*)')
    if (state == '' or state == its_state) and (direction == '' or direction == its_direction) then
      found[#found + 1] = entry
      if #found == wanted then break end
    end
  end
  if #entries < piece and #found < wanted then
    is_end = 1
    break
  end
end
return { is_end, upper, unpack(found) }
