-- Applies what one settled batch releases and credits, exactly once and in order.
-- ARGV: listing, first, last, trim id, payload (JSON):
--   {last_price, market, accounts: [[user, cash, shares, open orders]…],
--    orders: [[sequence, price, quantity, filled, open, amend done, user, epoch]…]}
-- Returns the last sequence applied before this call: applied now when that is first - 1.
local listing, first, last = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local listing_key = 'listing:' .. listing
local applied = tonumber(redis.call('HGET', listing_key, 'applied'))
if not applied or applied ~= first - 1 then
  return applied or -1
end
local payload = cjson.decode(ARGV[5])
local market = integer(payload.market)
local share_field = 's' .. listing
redis.call('HSET', listing_key, 'applied', integer(last), 'last', integer(payload.last_price))
for _, change in ipairs(payload.accounts) do
  local key = 'account:' .. market .. ':' .. integer(change[1])
  if change[2] ~= 0 then
    redis.call('HINCRBY', key, 'cash', integer(change[2]))
  end
  if change[3] ~= 0 then
    redis.call('HINCRBY', key, share_field, integer(change[3]))
  end
  if change[4] ~= 0 then
    redis.call('HINCRBY', key, 'open', integer(change[4]))
  end
end
local order_prefix, open_prefix = 'order:' .. listing .. ':', 'open:' .. market .. ':'
for _, change in ipairs(payload.orders) do
  local sequence = integer(change[1])
  local key = order_prefix .. sequence
  if change[5] == 0 then
    redis.call('HSET', key, 'filled', integer(change[4]), 'open', '0')
    redis.call('SREM', open_prefix .. integer(change[7]), listing .. '-' .. integer(change[8]) .. '-' .. sequence)
  elseif change[6] == 1 then
    redis.call('HSET', key, 'price', integer(change[2]), 'quantity', integer(change[3]), 'filled', integer(change[4]),
      'amending', '0')
  else
    redis.call('HSET', key, 'filled', integer(change[4]))
  end
end
redis.call('XTRIM', 'orders:' .. listing, 'MINID', '~', ARGV[4])
return applied
