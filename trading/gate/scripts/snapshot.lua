-- Reads everything the audit compares, in one step.  ARGV: market
-- Returns JSON: {gate, market, listings: {id: {…, newest, newest_epoch, pending: […]}}, accounts: {user: {…}},
-- orders: {"listing:sequence": {…}}, sets: {user: […]}, now}
local market = ARGV[1]
local function hash(key)
  local flat, map = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do
    map[flat[i]] = flat[i + 1]
  end
  return map
end
local answer = {gate = hash('gate'), market = hash('market:' .. market), listings = {}, accounts = {}, orders = {},
  now = now_ms(), run_id = run_id()}
for symbol, listing in pairs(hash('market:' .. market .. ':symbols')) do
  local state = hash('listing:' .. listing)
  state.entries = {}
  for _, entry in ipairs(redis.call('XRANGE', 'orders:' .. listing, '-', '+')) do
    state.entries[#state.entries + 1] = {entry[1], entry[2][2]}
  end
  answer.listings[listing] = state
end
local cursor, prefix = '0', 'account:' .. market .. ':'
repeat
  local page = redis.call('SCAN', cursor, 'MATCH', prefix .. '*', 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    local user = string.sub(key, #prefix + 1)
    answer.accounts[user] = hash(key)
    for _, order_id in ipairs(redis.call('SMEMBERS', 'open:' .. market .. ':' .. user)) do
      local listing, sequence = string.match(order_id, '^(%d+)%-%d+%-(%d+)$')
      answer.orders[order_id] = hash('order:' .. listing .. ':' .. sequence)
    end
  end
until cursor == '0'
return cjson.encode(answer)
