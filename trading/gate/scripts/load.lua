-- Loads one part of a market from the database into a gate that does not serve that market now.
-- ARGV: market, payload (JSON), each part may be absent: {listings: [listing…],
--   accounts: [[user, cash, open, [[listing, shares]…]]…],
--   orders: [[user, listing, epoch, sequence, side, price, quantity, filled]…],
--   requests: [[user, client_order_id, order id]…]}
-- Returns 1, or 0 when the market is being served: then nothing is written.
local market = ARGV[1]
local epoch, current = gate_open()
if epoch and redis.call('EXISTS', 'market:' .. market) == 1 then
  return 0
end
local payload = cjson.decode(ARGV[2])
-- What is loaded has the releases of every settled batch in it: until the market is served none may be applied.
for _, listing in ipairs(payload.listings or {}) do
  redis.call('HDEL', 'listing:' .. integer(listing), 'applied')
end
for _, account in ipairs(payload.accounts or {}) do
  local user = integer(account[1])
  local key = 'account:' .. market .. ':' .. user
  redis.call('DEL', key, 'open:' .. market .. ':' .. user)
  redis.call('HSET', key, 'cash', integer(account[2]), 'open', integer(account[3]))
  for _, held in ipairs(account[4]) do
    redis.call('HSET', key, 's' .. integer(held[1]), integer(held[2]))
  end
end
for _, order in ipairs(payload.orders or {}) do
  local user, listing, order_epoch, sequence = integer(order[1]), integer(order[2]), integer(order[3]), integer(order[4])
  local key = 'order:' .. listing .. ':' .. sequence
  redis.call('DEL', key)
  redis.call('HSET', key, 'account', user, 'epoch', order_epoch, 'side', order[5], 'type', 'limit',
    'price', integer(order[6]), 'quantity', integer(order[7]), 'filled', integer(order[8]), 'open', '1')
  redis.call('SADD', 'open:' .. market .. ':' .. user, listing .. '-' .. order_epoch .. '-' .. sequence)
end
-- A repeat of what was accepted before the store was lost places nothing; its body can no longer be compared.
for _, request in ipairs(payload.requests or {}) do
  redis.call('SET', 'request:' .. integer(request[1]) .. ':' .. request[2], request[3] .. ' *', 'NX',
    'EX', REQUEST_TTL_SECONDS)
end
return 1
