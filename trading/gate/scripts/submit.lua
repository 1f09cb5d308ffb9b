-- Accepts or refuses one order in one step: session, duplicate, rate, rules, hold, sequence, stream, wake flag.
-- ARGV: session, account, symbol, side, type, price ('' for market), quantity, client_order_id, fingerprint,
--       rate per second, burst, most open orders, stream limit
-- Returns {'ok', order id, duplicate, listing, wake} or {'no', code, extra}.
local session, symbol, side, order_type = ARGV[1], ARGV[3], ARGV[4], ARGV[5]
local quantity, client_order_id, fingerprint = tonumber(ARGV[7]), ARGV[8], ARGV[9]
local epoch, market = gate_open()
if not epoch then
  return refuse('recovering')
end
local account = account_of(session, ARGV[2])
if not account then
  return refuse('session_unknown')
end
local request_key = 'request:' .. account .. ':' .. client_order_id
local earlier = redis.call('GET', request_key)
if earlier then
  local order_id, body = string.match(earlier, '^(%S+) (.*)$')
  if body ~= '*' and body ~= fingerprint then
    return refuse('client_order_id_reused')
  end
  return {'ok', order_id, 1, string.match(order_id, '^(%d+)'), 0}
end
local now = now_ms()
local wait = rate_exceeded(account, tonumber(ARGV[10]), tonumber(ARGV[11]), now)
if wait then
  return refuse('rate_limited', wait)
end
local listing = redis.call('HGET', 'market:' .. market .. ':symbols', symbol)
if not listing then
  return refuse('unknown_symbol')
end
local code, initial_cash = market_refusal(market, now)
if code then
  return refuse(code)
end
local listing_key = 'listing:' .. listing
local terms = redis.call('HMGET', listing_key, 'lower', 'upper', 'last', 'halted', 'sequence')
local lower, upper = tonumber(terms[1]), tonumber(terms[2])
if terms[4] == '1' then
  return refuse('halted')
end
local price = tonumber(ARGV[6])
if order_type == 'market' then
  price = protection_price(side, tonumber(terms[3]), lower, upper)
end
code = terms_refusal(price, quantity, 0, order_type == 'limit', lower, upper)
if code then
  return refuse(code)
end
local account_key, share_field = 'account:' .. market .. ':' .. account, 's' .. listing
local balances = redis.call('HMGET', account_key, 'cash', 'open', share_field)
local cash, open, shares = tonumber(balances[1] or initial_cash), tonumber(balances[2]) or 0, tonumber(balances[3]) or 0
if open >= tonumber(ARGV[12]) then
  return refuse('too_many_open_orders')
end
if side == 'buy' then
  cash = cash - price * quantity
  if cash < 0 then
    return refuse('insufficient_cash')
  end
else
  shares = shares - quantity
  if shares < 0 then
    return refuse('insufficient_shares')
  end
end
if stream_full(listing, tonumber(ARGV[13])) then
  return refuse('overloaded')
end

local price_text, quantity_text = integer(price), integer(quantity)
local sequence = integer(tonumber(terms[5]) + 1)
redis.call('XADD', 'orders:' .. listing, epoch .. '-' .. sequence, 'd', table.concat(
  {'submit', account, side, order_type, price_text, quantity_text, integer(now), client_order_id}, ' '))
redis.call('HSET', listing_key, 'sequence', sequence)
local order_id = listing .. '-' .. epoch .. '-' .. sequence
redis.call('HSET', account_key, 'cash', integer(cash), share_field, integer(shares), 'open', integer(open + 1))
redis.call('SADD', 'open:' .. market .. ':' .. account, order_id)
redis.call('HSET', 'order:' .. listing .. ':' .. sequence, 'account', account, 'epoch', epoch, 'side', side,
  'type', order_type, 'price', price_text, 'quantity', quantity_text, 'filled', '0', 'open', '1')
redis.call('SET', request_key, order_id .. ' ' .. fingerprint, 'EX', REQUEST_TTL_SECONDS)
return {'ok', order_id, 0, listing, wake(listing)}
