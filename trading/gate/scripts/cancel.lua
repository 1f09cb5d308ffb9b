-- Accepts or refuses the cancel of one order. A repeat of an accepted cancel is accepted again and adds nothing.
-- ARGV: session, account, listing, epoch, sequence, rate, burst, stream limit
-- Returns {'ok', order id, duplicate, listing, wake} or {'no', code, extra}.
local listing, order_epoch, order_sequence = ARGV[3], ARGV[4], ARGV[5]
local epoch = gate_open()
if not epoch then
  return refuse('recovering')
end
local account = account_of(ARGV[1], ARGV[2])
if not account then
  return refuse('session_unknown')
end
local now = now_ms()
local wait = rate_exceeded(account, tonumber(ARGV[6]), tonumber(ARGV[7]), now)
if wait then
  return refuse('rate_limited', wait)
end
local order_key = 'order:' .. listing .. ':' .. order_sequence
local order = redis.call('HMGET', order_key, 'account', 'epoch', 'open', 'cancelling')
if order[1] ~= account or order[2] ~= order_epoch then
  return refuse('order_not_found')
end
if order[3] ~= '1' then
  return refuse('order_not_open')
end
local order_id = listing .. '-' .. order_epoch .. '-' .. order_sequence
if order[4] == '1' then
  return {'ok', order_id, 1, listing, 0}
end
local code = market_refusal(redis.call('HGET', 'listing:' .. listing, 'market'), now)
if code then
  return refuse(code)
end
if stream_full(listing, tonumber(ARGV[8])) then
  return refuse('overloaded')
end

append(listing, epoch, function()
  return table.concat({'cancel', account, order_sequence, integer(now)}, ' ')
end)
redis.call('HSET', order_key, 'cancelling', '1')
return {'ok', order_id, 0, listing, wake(listing)}
