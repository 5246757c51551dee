-- KEYS: the claim.  ARGV: value, ms that it is kept. Answers 1 when it is the first, and the value that stands.
if redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return { 1, ARGV[1] } end
return { 0, redis.call('GET', KEYS[1]) }
