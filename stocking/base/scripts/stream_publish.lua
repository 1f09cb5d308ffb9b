-- Gives a topic its next version, keeps its snapshot, and publishes to the topic's channel: in one step,
-- so that a topic with several writers stays in order.
-- KEYS: version, data.  ARGV: kind, type, channel, topic, limit, ttl seconds (0: for ever), update (JSON),
-- then by kind: replace: nothing; append: items (JSON), oldest first; upsert: key, item, key, item, …
-- type "snapshot" throws the former data away first.
local kind, message_type, channel, topic = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local limit, ttl, update = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
-- A bus that has lost its data begins above every version it can have given before: clients see a gap, never a
-- number twice.
if redis.call('EXISTS', KEYS[1]) == 0 then
  local now = redis.call('TIME')
  redis.call('SET', KEYS[1], string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000)))
end
local version = redis.call('INCR', KEYS[1])
redis.call('PERSIST', KEYS[1])
if message_type == 'snapshot' then
  redis.call('DEL', KEYS[2])
end
if kind == 'replace' then
  redis.call('SET', KEYS[2], update)
elseif kind == 'append' then
  for i = 8, #ARGV do
    redis.call('RPUSH', KEYS[2], ARGV[i])
  end
  redis.call('LTRIM', KEYS[2], -limit, -1)
else
  for i = 8, #ARGV, 2 do
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
  local excess = redis.call('HLEN', KEYS[2]) - limit
  if excess > 0 then
    local fields = redis.call('HKEYS', KEYS[2])
    table.sort(fields)
    for i = 1, excess do
      redis.call('HDEL', KEYS[2], fields[i])
    end
  end
end
if ttl > 0 then
  redis.call('EXPIRE', KEYS[2], ttl)
end
local text = '{"topic":"' .. topic .. '","type":"' .. message_type .. '","version":' .. string.format('%.0f', version)
  .. ',"data":' .. update .. '}'
redis.call('PUBLISH', channel, cmsgpack.pack({type = 'stream.message', topic = topic, version = version, text = text}))
return version
