-- Gives back one to every allowance.
-- KEYS: one an allowance.  ARGV: for each the milliseconds in which one is filled up.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i, key in ipairs(KEYS) do
  local full = tonumber(redis.call('GET', key) or '0') - tonumber(ARGV[i])
  if full > now then
    redis.call('SET', key, string.format('%.3f', full), 'PX', math.ceil(full - now))
  else
    redis.call('DEL', key)
  end
end
