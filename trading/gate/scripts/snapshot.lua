-- Reads what the audit compares of some accounts, in one step that is bounded by its arguments.
-- ARGV: market, most waiting entries of a listing, most accounts and open orders, '1' for the open orders too, account…
-- Returns JSON: {open (whether the gate is), market: {…}, listings: {id: {…, entries: [[id, text]…]}},
--   accounts: [[user, [field, value…], number of open orders, [order id, open…]]…]}
-- A listing has no entries when more wait than were asked for; of the accounts those come that fit, at least one.
local market, entries_max, budget, with_orders = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local function hash(key)
  local flat, map = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do
    map[flat[i]] = flat[i + 1]
  end
  return map
end
local answer = {open = gate_open() and 1 or 0, market = hash('market:' .. market), listings = {}, accounts = {}}
for _, listing in pairs(hash('market:' .. market .. ':symbols')) do
  local state = hash('listing:' .. listing)
  local waiting = (tonumber(state.sequence) or 0) - (tonumber(state.applied) or 0)
  if waiting <= entries_max then
    state.entries = {}
    if waiting > 0 then
      for _, entry in ipairs(redis.call('XREVRANGE', 'orders:' .. listing, '+', '-', 'COUNT', waiting)) do
        state.entries[#state.entries + 1] = {entry[1], entry[2][2]}
      end
    end
  end
  answer.listings[listing] = state
end
for i = 5, #ARGV do
  local user = ARGV[i]
  local open_key = 'open:' .. market .. ':' .. user
  local count = redis.call('SCARD', open_key)
  budget = budget - 1 - (with_orders and count or 0)
  if budget < 0 and i > 5 then
    break
  end
  local orders = {}
  if with_orders then
    for _, order_id in ipairs(redis.call('SMEMBERS', open_key)) do
      local listing, sequence = string.match(order_id, '^(%d+)%-%d+%-(%d+)$')
      orders[#orders + 1] = order_id
      orders[#orders + 1] = redis.call('HGET', 'order:' .. listing .. ':' .. sequence, 'open') or ''
    end
  end
  answer.accounts[#answer.accounts + 1] = {user, redis.call('HGETALL', 'account:' .. market .. ':' .. user), count, orders}
end
return cjson.encode(answer)
