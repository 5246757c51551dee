-- Exact money. Numbers of Lua are doubles and hold 53 bits; nano-units have 64. Outside money is signed decimal text, in here a pair:
--
--   value = hi * 10^9 + lo,  0 <= lo < 10^9,  |hi| <= 10^10 for one value of 64 bits
--
-- so a sum of a hundred thousand of them still has an exact `hi`, and every step below is on whole numbers under 2^53.

local BASE = 1000000000
local MAX_HI, MAX_LO = 9223372036, 854775807

local function parse(text)
  local negative = string.byte(text) == 45
  local digits = negative and string.sub(text, 2) or text
  local hi, lo = 0, tonumber(string.sub(digits, -9))
  if #digits > 9 then hi = tonumber(string.sub(digits, 1, -10)) end
  if not negative then return { hi, lo } end
  if lo == 0 then return { -hi, 0 } end
  return { -hi - 1, BASE - lo }
end

local function format(value)
  local hi, lo, sign = value[1], value[2], ''
  if hi < 0 then
    sign = '-'
    if lo == 0 then hi = -hi else hi, lo = -hi - 1, BASE - lo end
  end
  if hi == 0 then return sign .. string.format('%.0f', lo) end
  return sign .. string.format('%.0f%09.0f', hi, lo)
end

local function add(a, b)
  local hi, lo = a[1] + b[1], a[2] + b[2]
  if lo >= BASE then return { hi + 1, lo - BASE } end
  return { hi, lo }
end

local function negate(a)
  if a[2] == 0 then return { -a[1], 0 } end
  return { -a[1] - 1, BASE - a[2] }
end

local function subtract(a, b)
  return add(a, negate(b))
end

local function less(a, b)
  return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2])
end

local MAX = { MAX_HI, MAX_LO }
local MIN = negate(MAX)

local function fits(value)
  return not (less(MAX, value) or less(value, MIN))
end
