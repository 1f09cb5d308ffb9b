-- Takes no more commands in a market, or takes them again. What was accepted is still applied, the market still closes.
-- ARGV: market, '1' or '0'
-- Returns 1, or 0 where the gate does not know the market: loading it will tell.
local key = 'market:' .. ARGV[1]
if redis.call('EXISTS', key) == 0 then
  return 0
end
redis.call('HSET', key, 'suspended', ARGV[2])
return 1
