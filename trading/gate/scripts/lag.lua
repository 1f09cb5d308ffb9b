-- How far settlement lags in one listing.  ARGV: listing
-- Returns {age in ms of the oldest command that is accepted and not yet released; how many such commands there are}.
local state = redis.call('HMGET', 'listing:' .. ARGV[1], 'sequence', 'applied')
local given, applied = tonumber(state[1]) or 0, tonumber(state[2]) or 0
if applied >= given then
  return {0, 0}
end
local from = redis.call('HGET', 'gate', 'epoch') .. '-' .. integer(applied + 1)
local oldest = redis.call('XRANGE', 'orders:' .. ARGV[1], from, '+', 'COUNT', 1)[1]
-- In every command the time is the first word of thirteen digits.
local accepted_at = oldest and string.match(oldest[2][2], ' (%d%d%d%d%d%d%d%d%d%d%d%d%d)%f[%D]')
return {accepted_at and math.max(0, now_ms() - accepted_at) or 0, given - applied}
