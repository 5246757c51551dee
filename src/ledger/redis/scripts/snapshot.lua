-- KEYS: account, holds, expiries, calls, spent.  Everything of a workspace but its lines, as it stands at one instant.

return {
  redis.call('HGETALL', ACCOUNT),
  redis.call('HGETALL', HOLDS),
  redis.call('ZRANGE', EXPIRIES, 0, -1),
  redis.call('SMEMBERS', CALLS),
  redis.call('HGETALL', KEYS[5]),
}
