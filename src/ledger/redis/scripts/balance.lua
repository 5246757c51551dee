-- KEYS: account, holds, expiries, calls, spent.  ARGV: now, hour, first hour of the day.

local balance, reserved, expired = read_account(ARGV[1])
local in_hour, in_day = read_spent(KEYS[5], tonumber(ARGV[2]), tonumber(ARGV[3]))
write_expired(expired, reserved)
return { format(balance), format(reserved), format(in_hour), format(in_day) }
