-- Tells the gate when a market opens and closes and whether it is paused, unless it knows of a later revision.
-- ARGV: market, revision, opens_at, closes_at, '1' or '0'
-- Returns 1, or 0 where the gate does not know the market: loading it will tell.
local key = 'market:' .. ARGV[1]
local known = redis.call('HMGET', key, 'opens_at', 'revision')
if not known[1] then
  return 0
end
if tonumber(ARGV[2]) > (tonumber(known[2]) or 0) then
  redis.call('HSET', key, 'revision', ARGV[2], 'opens_at', ARGV[3], 'closes_at', ARGV[4], 'paused', ARGV[5])
end
return 1
