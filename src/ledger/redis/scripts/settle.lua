-- KEYS: account, holds, expiries, calls, spent, then for postings and for costs: lines, ids, by call, by hour (ledger/redis/keys.ts).
-- ARGV: hold id (empty for none), hours kept, how many of the lines are postings, now where new lines are refused that balance - holds would
--       not pay (empty where they are not), then for each line: id, call (empty for none), hour,
--       amount, whether it is spending (1 or 0), the line as JSON without what is only known here.
-- Answers `posted`, `exists` or `insufficient`; `conflict` with the line that stands; `range` with the sum that does not fit.

local SPENT = KEYS[5]
local FIRST, WIDTH = 5, 6
local hold_id, hours_kept, postings, pay_now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local given = (#ARGV - FIRST + 1) / WIDTH

local function line_at(index)
  local at = FIRST + (index - 1) * WIDTH
  local first_key = index <= postings and 6 or 10
  return {
    posting = index <= postings,
    id = ARGV[at], call = ARGV[at + 1], hour = ARGV[at + 2], amount = ARGV[at + 3], spends = ARGV[at + 4] == '1', json = ARGV[at + 5],
    lines = KEYS[first_key], ids = KEYS[first_key + 1], by_call = KEYS[first_key + 2], by_hour = KEYS[first_key + 3],
  }
end

-- What makes a repeat the same effect, as in ledger/checks.ts.
local SAME = { 'callId', 'meter', 'trunkId', 'quantityMs', 'amount', 'revenue' }

local function is_same(stored, json)
  local known, wanted = cjson.decode(stored), cjson.decode(json)
  for _, key in ipairs(SAME) do
    if known[key] ~= wanted[key] then return false end
  end
  return true
end

-- Read and check everything.
local balance, reserved = read_account(pay_now == '' and '-inf' or pay_now)
local spent, new_hours, fresh = {}, false, {}
for first_key = 6, 10, 4 do
  for key = first_key, first_key + 3 do redis.call('HLEN', KEYS[key]) end
end
redis.call('HLEN', SPENT)
for index = 1, given do
  local line = line_at(index)
  local seq = redis.call('HGET', line.ids, line.id)
  if seq then
    local stored = redis.call('HGET', line.lines, seq)
    if not is_same(stored, line.json) then return { 'conflict', stored, tostring(index) } end
  else
    if line.posting then
      balance = add(balance, parse(line.amount))
      if not fits(balance) then return { 'range', format(balance) } end
      line.balance_after = format(balance)
    end
    if line.spends then
      local before = spent[line.hour] or redis.call('HGET', SPENT, line.hour)
      if not before then new_hours = true end
      local sum = subtract(parse(before or '0'), parse(line.amount))
      if not fits(sum) then return { 'range', format(sum) } end
      spent[line.hour] = format(sum)
    end
    fresh[#fresh + 1] = line
  end
end
if pay_now ~= '' and #fresh > 0 and less(balance, reserved) then return { 'insufficient' } end
local own = hold_id ~= '' and redis.call('HGET', HOLDS, hold_id)

-- When a line was written: never before an earlier one of this workspace, so that all workspaces together have one order.
local function next_instant(last)
  local time = redis.call('TIME')
  return math.max(tonumber(time[1]) * 1000000 + tonumber(time[2]), last + 1)
end

-- The hours in which lines with this `at` stand, as ranges of their numbers: `4-9,30-31`. A line close to the last range widens it.
local NEAR = 64
local function with_seq(ranges, seq)
  local text = string.format('%.0f', seq)
  if not ranges then return text .. '-' .. text end
  local head, first, last = string.match(ranges, '^(.-)(%d+)%-(%d+)$')
  if seq - tonumber(last) <= NEAR then return head .. first .. '-' .. text end
  return ranges .. ',' .. text .. '-' .. text
end

local function write_line(line, counters)
  local counter = line.posting and 'postings' or 'costs'
  local seq = counters[counter] + 1
  counters[counter], counters.written = seq, next_instant(counters.written)
  local tail = string.format(',"writtenUs":%.0f}', counters.written)
  if line.posting then tail = ',"balanceAfter":"' .. line.balance_after .. '"' .. tail end
  local field = string.format('%.0f', seq)
  redis.call('HSET', line.lines, field, string.sub(line.json, 1, -2) .. tail)
  redis.call('HSET', line.ids, line.id, field)
  redis.call('HSET', line.by_hour, line.hour, with_seq(redis.call('HGET', line.by_hour, line.hour), seq))
  if line.call ~= '' then
    local others = redis.call('HGET', line.by_call, line.call)
    redis.call('HSET', line.by_call, line.call, others and (others .. ',' .. field) or field)
  end
end

-- The newest hours stand, so many as are kept (ledger/spent.ts).
local function drop_old_hours()
  local hours = redis.call('HKEYS', SPENT)
  table.sort(hours, function(a, b) return tonumber(a) > tonumber(b) end)
  for index = hours_kept + 1, #hours do redis.call('HDEL', SPENT, hours[index]) end
end

-- From here on it succeeds.
if #fresh > 0 then
  local fields = redis.call('HMGET', ACCOUNT, 'postings', 'costs', 'written')
  local counters = { postings = tonumber(fields[1] or 0), costs = tonumber(fields[2] or 0), written = tonumber(fields[3] or 0) }
  for _, line in ipairs(fresh) do write_line(line, counters) end
  for hour, amount in pairs(spent) do redis.call('HSET', SPENT, hour, amount) end
  if new_hours then drop_old_hours() end
  redis.call(
    'HSET', ACCOUNT, 'balance', format(balance), 'postings', string.format('%.0f', counters.postings),
    'costs', string.format('%.0f', counters.costs), 'written', string.format('%.0f', counters.written)
  )
end
if own then
  drop_hold(hold_id)
  redis.call('HSET', ACCOUNT, 'reserved', format(subtract(reserved, parse(own))))
end
return { (#fresh > 0 or given == 0) and 'posted' or 'exists' }
