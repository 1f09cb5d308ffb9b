-- Publishes messages to many append topics of one family, each topic's in order, as stream_publish.lua would.
-- ARGV: channel prefix, name shown to clients, limit, ttl seconds, then for each topic: topic, number of its
-- messages, the messages (JSON), oldest first. Returns how many messages had a subscriber.
local prefix, shown, limit, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local now = redis.call('TIME')
local beginning = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
local at, heard = 5, 0
while ARGV[at] do
  local topic, count = ARGV[at], tonumber(ARGV[at + 1])
  local first, last = at + 2, at + 1 + count
  local version_key, data_key = 'topic:' .. topic .. ':version', 'topic:' .. topic .. ':data'
  redis.call('SET', version_key, beginning, 'NX')
  local version = redis.call('INCRBY', version_key, count) - count
  redis.call('PERSIST', version_key)
  redis.call('RPUSH', data_key, unpack(ARGV, math.max(first, last - limit + 1), last))
  redis.call('LTRIM', data_key, -limit, -1)
  if ttl > 0 then
    redis.call('EXPIRE', data_key, ttl)
  end
  local channel = prefix .. topic
  for i = first, last do
    version = version + 1
    local text = '{"topic":"' .. shown .. '","type":"update","version":' .. string.format('%.0f', version)
      .. ',"data":' .. ARGV[i] .. '}'
    local message = cmsgpack.pack({type = 'stream.message', topic = shown, version = version, text = text})
    local receivers = redis.call('PUBLISH', channel, message)
    if receivers == 0 then
      break  -- nobody listens to this topic, and nobody can begin to before the script ends
    end
    heard = heard + receivers
  end
  at = last + 1
end
return heard
