-- Cancels every open order of the account, in one listing or in all: one command per listing concerned.
-- ARGV: session, account, symbol or '', rate, burst, stream limit
-- Returns {'ok', '', 0, '', 0, listing, wake, listing, wake, …} or {'no', code, extra}.
local epoch, market = gate_open()
if not epoch then
  return refuse('recovering')
end
local account = account_of(ARGV[1], ARGV[2])
if not account then
  return refuse('session_unknown')
end
local now = now_ms()
local wait = rate_exceeded(account, tonumber(ARGV[4]), tonumber(ARGV[5]), now)
if wait then
  return refuse('rate_limited', wait)
end
local only = nil
if ARGV[3] ~= '' then
  only = redis.call('HGET', 'market:' .. market .. ':symbols', ARGV[3])
  if not only then
    return refuse('unknown_symbol')
  end
end
local code = market_refusal(market, now)
if code then
  return refuse(code)
end
local listings, orders = {}, {}
for _, order_id in ipairs(redis.call('SMEMBERS', 'open:' .. market .. ':' .. account)) do
  local listing, sequence = string.match(order_id, '^(%d+)%-%d+%-(%d+)$')
  if not only or listing == only then
    listings[listing] = true
    orders[#orders + 1] = 'order:' .. listing .. ':' .. sequence
  end
end
local concerned = {}
for listing in pairs(listings) do
  if stream_full(listing, tonumber(ARGV[6])) then
    return refuse('overloaded')
  end
  concerned[#concerned + 1] = listing
end
table.sort(concerned)

local answer = {'ok', '', 0, '', 0}
for _, listing in ipairs(concerned) do
  append(listing, epoch, function()
    return table.concat({'cancel_all', account, integer(now)}, ' ')
  end)
  answer[#answer + 1] = listing
  answer[#answer + 1] = wake(listing)
end
for _, order_key in ipairs(orders) do
  redis.call('HSET', order_key, 'cancelling', '1')
end
return answer
