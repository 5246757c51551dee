-- What every script does with the first keys it is given: account, holds, expiries, calls. Nothing is written before all that a script
-- reads was read, keys of a wrong type included: an error then finds everything as it was.

local ACCOUNT, HOLDS, EXPIRIES, CALLS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

-- Balance and `reserved` as they are once the holds that expired by `now` have returned (B4), and those holds.
local function read_account(now)
  local fields = redis.call('HMGET', ACCOUNT, 'balance', 'reserved')
  local balance, reserved = parse(fields[1] or '0'), parse(fields[2] or '0')
  redis.call('SCARD', CALLS)
  redis.call('HLEN', HOLDS)
  local expired = redis.call('ZRANGEBYSCORE', EXPIRIES, '-inf', now)
  for _, id in ipairs(expired) do
    reserved = subtract(reserved, parse(redis.call('HGET', HOLDS, id) or '0'))
  end
  return balance, reserved, expired
end

local function drop_hold(id)
  redis.call('HDEL', HOLDS, id)
  redis.call('ZREM', EXPIRIES, id)
  redis.call('SREM', CALLS, id)
end

-- Takes the expired holds out; `reserved` is what is left.
local function write_expired(expired, reserved)
  if #expired == 0 then return end
  for _, id in ipairs(expired) do drop_hold(id) end
  redis.call('HSET', ACCOUNT, 'reserved', format(reserved))
end

-- What was spent in the hour and in the day that begins with the hour `day_start`; both are numbers.
local function read_spent(key, hour, day_start)
  local in_hour, in_day = { 0, 0 }, { 0, 0 }
  if redis.call('HLEN', key) == 0 then return in_hour, in_day end
  local hours = {}
  for index = 0, 23 do hours[index + 1] = day_start + index end
  for index, text in ipairs(redis.call('HMGET', key, unpack(hours))) do
    if text then
      local amount = parse(text)
      in_day = add(in_day, amount)
      if hours[index] == hour then in_hour = amount end
    end
  end
  return in_hour, in_day
end
