-- KEYS: account, holds, expiries, calls.  ARGV: hold id.

local _, reserved = read_account('-inf')
local own = redis.call('HGET', HOLDS, ARGV[1])
if not own then return { 'none' } end
drop_hold(ARGV[1])
redis.call('HSET', ACCOUNT, 'reserved', format(subtract(reserved, parse(own))))
return { 'released' }
