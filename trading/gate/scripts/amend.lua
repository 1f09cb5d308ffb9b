-- Accepts or refuses the amend of one order; takes the extra hold, which settlement gives back where it is too much.
-- ARGV: session, account, listing, epoch, sequence, price or '', quantity or '', rate, burst, stream limit
-- Returns {'ok', order id, 0, listing, wake} or {'no', code, extra}.
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
local wait = rate_exceeded(account, tonumber(ARGV[8]), tonumber(ARGV[9]), now)
if wait then
  return refuse('rate_limited', wait)
end
local order_key = 'order:' .. listing .. ':' .. order_sequence
local order = redis.call('HMGET', order_key, 'account', 'epoch', 'side', 'type', 'price', 'quantity', 'filled', 'open',
  'amending', 'cancelling')
if order[1] ~= account or order[2] ~= order_epoch then
  return refuse('order_not_found')
end
local side = order[3]
if order[8] ~= '1' or order[10] == '1' or order[4] ~= 'limit' then
  return refuse('order_not_open')
end
if order[9] == '1' then
  return refuse('amend_pending')
end
local terms = redis.call('HMGET', 'listing:' .. listing, 'market', 'lower', 'upper', 'halted')
local market = terms[1]
local code = market_refusal(market, now)
if code then
  return refuse(code)
end
if terms[4] == '1' then
  return refuse('halted')
end
local old_price, old_quantity, filled = tonumber(order[5]), tonumber(order[6]), tonumber(order[7])
local price = tonumber(ARGV[6]) or old_price
local quantity = tonumber(ARGV[7]) or old_quantity
code = terms_refusal(price, quantity, math.max(0, filled), true, tonumber(terms[2]), tonumber(terms[3]))
if code then
  return refuse(code)
end
local account_key = 'account:' .. market .. ':' .. account
local field, available, extra, shortage
if side == 'buy' then
  field, available, shortage = 'cash', available_cash(account_key, market), 'insufficient_cash'
  extra = math.max(0, price * (quantity - filled) - old_price * (old_quantity - filled), price * (quantity - old_quantity))
else
  field, shortage = 's' .. listing, 'insufficient_shares'
  available = tonumber(redis.call('HGET', account_key, field)) or 0
  extra = math.max(0, quantity - old_quantity)
end
if available < extra then
  return refuse(shortage)
end
if stream_full(listing, tonumber(ARGV[10])) then
  return refuse('overloaded')
end

append(listing, epoch, function()
  return table.concat({'amend', account, order_sequence, side, ARGV[6] == '' and '-' or integer(price),
    ARGV[7] == '' and '-' or integer(quantity), integer(extra), integer(now)}, ' ')
end)
redis.call('HSET', account_key, field, integer(available - extra))
redis.call('HSET', order_key, 'amending', '1')
return {'ok', listing .. '-' .. order_epoch .. '-' .. order_sequence, 0, listing, wake(listing)}
