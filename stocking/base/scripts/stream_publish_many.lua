-- Publishes one message each to many append topics of one family, in order, as stream_publish.lua would.
-- ARGV: channel prefix, name shown to clients, limit, ttl seconds, then topic, message (JSON), topic, message, …
-- Returns how many messages had a subscriber.
local prefix, shown, limit, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local now = redis.call('TIME')
local beginning = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
local touched, heard = {}, 0
for i = 5, #ARGV, 2 do
  local topic, message = ARGV[i], ARGV[i + 1]
  local version_key, data_key = 'topic:' .. topic .. ':version', 'topic:' .. topic .. ':data'
  if not touched[data_key] then
    touched[data_key] = true
    redis.call('SET', version_key, beginning, 'NX')
  end
  local version = redis.call('INCR', version_key)
  redis.call('RPUSH', data_key, message)
  local text = '{"topic":"' .. shown .. '","type":"update","version":' .. string.format('%.0f', version)
    .. ',"data":' .. message .. '}'
  heard = heard + redis.call('PUBLISH', prefix .. topic,
    cmsgpack.pack({type = 'stream.message', topic = shown, version = version, text = text}))
end
for data_key in pairs(touched) do
  redis.call('LTRIM', data_key, -limit, -1)
  if ttl > 0 then
    redis.call('EXPIRE', data_key, ttl)
  end
end
return heard
