-- KEYS: account, holds, expiries, calls, spent, starts.
-- ARGV: hold id, amount, expires at, now, prepaid (1 or 0), is a call (1 or 0), hour, first hour of the day, end of the start,
--       then the limits, each empty for none: calls at once, starts in a second, per hour, per day.
-- Answers the outcome, or `range` with the sum that does not fit, or `outdated`: a later request of this hold stands (B12).

local SPENT, STARTS = KEYS[5], KEYS[6]
local id, amount, expires_at, now = ARGV[1], parse(ARGV[2]), ARGV[3], ARGV[4]
local prepaid, is_call = ARGV[5] == '1', ARGV[6] == '1'
local hour, day_start, start_ends = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9]
local places_max, starts_max, hour_max, day_max = ARGV[10], ARGV[11], ARGV[12], ARGV[13]

local balance, reserved, expired = read_account(now)
local own = redis.call('HGET', HOLDS, id)
for _, other in ipairs(expired) do
  if other == id then own = false end
end
if own and tonumber(redis.call('ZSCORE', EXPIRIES, id) or 0) > tonumber(expires_at) then return { 'outdated' } end
local others = own and subtract(reserved, parse(own)) or reserved
local wanted = add(others, amount)
local is_new_call = is_call and not own

-- As many as are there, without those that expired.
local function calls_in_progress()
  local count = redis.call('SCARD', CALLS)
  for _, other in ipairs(expired) do
    count = count - redis.call('SISMEMBER', CALLS, other)
  end
  return count
end

local function other_starts()
  local count = redis.call('ZCOUNT', STARTS, '(' .. now, '+inf')
  local mine = redis.call('ZSCORE', STARTS, id)
  if mine and tonumber(mine) > tonumber(now) then return count - 1 end
  return count
end

local function refusal()
  if prepaid and less(subtract(balance, others), amount) then return 'insufficient' end
  if is_new_call and places_max ~= '' and calls_in_progress() >= tonumber(places_max) then return 'concurrent_limit' end
  if is_new_call and starts_max ~= '' and other_starts() >= tonumber(starts_max) then return 'rate_limit' end
  if not fits(wanted) then return 'range' end
  if hour_max == '' and day_max == '' then return nil end
  local in_hour, in_day = read_spent(SPENT, hour, day_start)
  if hour_max ~= '' and less(parse(hour_max), add(in_hour, wanted)) then return 'spend_limit' end
  if day_max ~= '' and less(parse(day_max), add(in_day, wanted)) then return 'spend_limit' end
  return nil
end

redis.call('ZCARD', STARTS)
local refused = refusal()
if refused == 'range' then return { 'range', format(wanted) } end
write_expired(expired, reserved)
if refused then return { refused } end
redis.call('HSET', HOLDS, id, format(amount))
redis.call('ZADD', EXPIRIES, expires_at, id)
redis.call('HSET', ACCOUNT, 'reserved', format(wanted))
if is_call then redis.call('SADD', CALLS, id) end
if is_new_call then
  redis.call('ZREMRANGEBYSCORE', STARTS, '-inf', now)
  redis.call('ZADD', STARTS, start_ends, id)
end
return { 'held' }
