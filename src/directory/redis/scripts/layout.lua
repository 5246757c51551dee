-- KEYS: state.  ARGV: layout that stands, layout that shall stand. One of several who try does it.
if redis.call('HGET', KEYS[1], 'layout') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'layout', ARGV[2])
return 1
