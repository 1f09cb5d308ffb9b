-- Ends trading: writes the end marker into the stream of every listing of the market, exempt from its limit.
-- Nothing is accepted behind it. ARGV: market, force ('1' closes before closes_at)
-- Returns {'ok', listing, …}; repeated, the same and nothing is written. {'no', code} when it is not time, or while
-- the market is paused.
local market = ARGV[1]
local epoch = gate_open()
if not epoch then
  return refuse('recovering')
end
local state = redis.call('HMGET', 'market:' .. market, 'closes_at', 'closed', 'paused')
if not state[1] then
  return refuse('market_closed')
end
local now = now_ms()
local answer = {'ok'}
local symbols = redis.call('HGETALL', 'market:' .. market .. ':symbols')
for i = 2, #symbols, 2 do
  answer[#answer + 1] = symbols[i]
end
if state[2] ~= '1' and ARGV[2] ~= '1' then
  if state[3] == '1' then
    return refuse('market_paused')
  end
  if now < tonumber(state[1]) then
    return refuse('too_early')
  end
end
redis.call('HSET', 'market:' .. market, 'closed', '1')
-- Listing by listing: a store that was lost in the middle of a close has settled some markers and forgotten others.
for i = 2, #answer do
  if redis.call('HGET', 'listing:' .. answer[i], 'marked') ~= '1' then
    append(answer[i], epoch, function()
      return 'close ' .. integer(now)
    end)
    redis.call('HSET', 'listing:' .. answer[i], 'marked', '1')
  end
end
return answer
