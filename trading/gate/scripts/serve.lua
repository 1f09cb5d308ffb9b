-- Begins to serve a loaded market: its times and listings become known, and it becomes the current market.
-- ARGV: payload (JSON): {market, opens_at, closes_at, initial_cash, closed, suspended, paused, revision,
--   listings: [[listing, symbol, lower, upper, last, halted, checkpoint, marked]…]},
--   epoch ('' keeps the present one; otherwise the gate opens in this epoch on the present store),
--   run id of the store that the market was loaded into, with an epoch
-- Returns 1, or 0 when the gate is not open and no epoch is given, when the market is served already, or when the
-- store is another one.
local payload = cjson.decode(ARGV[1])
local market = integer(payload.market)
local epoch = gate_open()
if ARGV[2] == '' and (not epoch or redis.call('EXISTS', 'market:' .. market) == 1) then
  return 0
end
if ARGV[2] ~= '' and ARGV[3] ~= run_id() then
  return 0
end
redis.call('DEL', 'market:' .. market .. ':symbols')
for _, listing in ipairs(payload.listings) do
  local id = integer(listing[1])
  local checkpoint = tonumber(listing[7])
  local newest = redis.call('XREVRANGE', 'orders:' .. id, '+', '-', 'COUNT', 1)
  local sequence = checkpoint
  if newest[1] then
    sequence = math.max(sequence, tonumber(string.match(newest[1][1], '%-(%d+)$')))
  end
  redis.call('HSET', 'listing:' .. id, 'market', market, 'symbol', listing[2], 'lower', integer(listing[3]),
    'upper', integer(listing[4]), 'last', integer(listing[5]), 'halted', integer(listing[6]),
    'sequence', integer(sequence), 'applied', integer(checkpoint), 'marked', integer(listing[8]))
  redis.call('HSET', 'market:' .. market .. ':symbols', listing[2], id)
end
redis.call('HSET', 'market:' .. market, 'opens_at', integer(payload.opens_at), 'closes_at', integer(payload.closes_at),
  'initial_cash', integer(payload.initial_cash), 'closed', integer(payload.closed),
  'suspended', integer(payload.suspended), 'paused', integer(payload.paused), 'revision', integer(payload.revision))
redis.call('HSET', 'gate', 'market', market)
if ARGV[2] ~= '' then
  redis.call('HSET', 'gate', 'state', 'open', 'run_id', ARGV[3], 'epoch', ARGV[2])
end
return 1
