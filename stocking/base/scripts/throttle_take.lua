-- Takes one from every allowance, or from none. What an allowance has left is the time at which it is full again.
-- KEYS: one an allowance.  ARGV: for each the milliseconds in which one is filled up, and how many it holds.
-- Returns how many milliseconds too early the request is, 0 when it was let through.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local wait, full = 0, {}
for i, key in ipairs(KEYS) do
  local interval, amount = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local at = math.max(tonumber(redis.call('GET', key) or '0'), now)
  wait = math.max(wait, at - (amount - 1) * interval - now)
  full[i] = at + interval
end
if wait > 0 then
  return math.ceil(wait)
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.3f', full[i]), 'PX', math.ceil(full[i] - now))
end
return 0
