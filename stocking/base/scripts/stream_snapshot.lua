-- Reads a topic's version and data in one step.
-- KEYS: version, data.  ARGV: kind.  Returns {version, present, items…}; an upsert's items by ascending key.
local kind = ARGV[1]
local version = tonumber(redis.call('GET', KEYS[1]) or '0')
if version == 0 then
  local now = redis.call('TIME')
  version = now[1] * 1000 + math.floor(now[2] / 1000)
  -- Nothing was ever published: kept for a while only, or whoever asks for topics that do not exist fills the store.
  redis.call('SET', KEYS[1], string.format('%.0f', version), 'EX', 600)
end
if redis.call('EXISTS', KEYS[2]) == 0 then
  return {version, 0}
end
local answer = {version, 1}
if kind == 'replace' then
  answer[3] = redis.call('GET', KEYS[2])
elseif kind == 'append' then
  for _, item in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
    answer[#answer + 1] = item
  end
else
  local fields = redis.call('HKEYS', KEYS[2])
  table.sort(fields)
  for _, field in ipairs(fields) do
    answer[#answer + 1] = redis.call('HGET', KEYS[2], field)
  end
end
return answer
