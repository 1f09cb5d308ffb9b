-- Shared by all gate scripts; put in front of each when it is loaded.
-- A script validates everything first and writes last: Redis does not roll back.
-- Keys of the gate store:
--   gate                      state, run_id, epoch, market (the current one)
--   market:ID                 opens_at, closes_at, initial_cash, closed, suspended, paused, revision (of times and pause)
--   market:ID:symbols         symbol -> listing
--   listing:ID                market, symbol, lower, upper, last, halted, marked (has its end marker),
--                             sequence (given), applied (released up to; absent while being loaded)
--   account:MARKET:USER       cash (available), open (orders), sLISTING (available shares)
--   open:MARKET:USER          the account's open orders, LISTING-EPOCH-SEQUENCE
--   order:LISTING:SEQUENCE    account, epoch, side, type, price, quantity, filled, open, amending, cancelling
--   orders:LISTING            the stream, one entry a command, id EPOCH-SEQUENCE
--   request:USER:CLIENT_ID    the first answer to a client_order_id, with the fingerprint of its body ('*': any)
--   session:KEY -> user;      fence:USER: the one session that counts since the others have ended ('': none), as long as
--                             any binding of before can last
--   rate:USER                 when its bucket is full again;   woken:LISTING: a wake-up is on its way
local MAX_QUANTITY = 1000000000
local MAX_VALUE = 10000000000000
local REQUEST_TTL_SECONDS = 86400
local WAKE_TTL_MS = 2000

local function refuse(code, extra)
  return {'no', code, extra or ''}
end

local function integer(number)
  return string.format('%.0f', number)
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function run_id()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end

-- The gate accepts only while it is open and the store is the one it was opened on.
local function gate_open()
  local gate = redis.call('HMGET', 'gate', 'state', 'run_id', 'epoch', 'market')
  if gate[1] ~= 'open' or gate[2] ~= run_id() then
    return nil
  end
  return gate[3], gate[4] or ''
end

local function account_of(session, account)
  if session == '' then
    return account
  end
  local bound = redis.call('GET', 'session:' .. session)
  if bound then
    local fence = redis.call('GET', 'fence:' .. bound)
    if fence and fence ~= session then
      return false
    end
  end
  return bound
end

-- A token bucket, kept as the time at which it is full again, in microseconds; returns nil, or the milliseconds until
-- the next token. A burst of 0 means no limit.
local function rate_exceeded(account, per_second, burst, now)
  if burst <= 0 then
    return nil
  end
  local key, token = 'rate:' .. account, 1000000 / per_second
  local full_at = math.max(tonumber(redis.call('GET', key)) or 0, now * 1000) + token
  local over = full_at - now * 1000 - burst * token
  if over > 0 then
    return math.max(1, math.ceil(over / 1000))
  end
  redis.call('SET', key, integer(full_at), 'PX', math.ceil((full_at / 1000) - now) + 1000)
  return nil
end

-- Returns nil and the market's initial cash, or why nothing is accepted now.
local function market_refusal(market, now)
  local state = redis.call('HMGET', 'market:' .. market, 'opens_at', 'closes_at', 'closed', 'suspended', 'initial_cash',
    'paused')
  if not state[1] or state[3] ~= '0' or state[4] == '1' then
    return 'market_closed'
  end
  if state[6] == '1' then
    return 'market_paused'
  end
  if now < tonumber(state[1]) or now >= tonumber(state[2]) then
    return 'market_closed'
  end
  return nil, state[5]
end

local TICKS = {{2000, 1}, {5000, 5}, {20000, 10}, {50000, 50}, {200000, 100}, {500000, 500}}

local function tick_size(price)
  for _, band in ipairs(TICKS) do
    if price < band[1] then
      return band[2]
    end
  end
  return 1000
end

-- 10 % beyond the last price, rounded inwards to a valid tick, kept within the daily limits.
local function protection_price(side, last, lower, upper)
  local price
  if side == 'buy' then
    price = math.floor(last * 110 / 100)
    price = price - price % tick_size(price)
  else
    price = math.ceil(last * 90 / 100)
    local tick = tick_size(price)
    price = math.ceil(price / tick) * tick
  end
  return math.min(math.max(price, lower), upper)
end

-- What the rules say of price and quantity; `minimum` is the largest quantity that is not enough.
local function terms_refusal(price, quantity, minimum, is_limit, lower, upper)
  if quantity <= minimum then
    return 'invalid_quantity'
  end
  if quantity > MAX_QUANTITY or price * quantity >= MAX_VALUE then
    return 'order_too_large'
  end
  if is_limit then
    if price <= 0 or price % tick_size(price) ~= 0 then
      return 'invalid_tick'
    end
    if price < lower or price > upper then
      return 'price_out_of_range'
    end
  end
  return nil
end

local function available_cash(account_key, market)
  local cash = redis.call('HGET', account_key, 'cash') or redis.call('HGET', 'market:' .. market, 'initial_cash')
  return tonumber(cash)
end

-- Appends one command to the listing's stream under the next sequence, as the first write of its script.
local function append(listing, epoch, text)
  local sequence = tonumber(redis.call('HGET', 'listing:' .. listing, 'sequence')) + 1
  redis.call('XADD', 'orders:' .. listing, epoch .. '-' .. integer(sequence), 'd', text(integer(sequence)))
  redis.call('HSET', 'listing:' .. listing, 'sequence', integer(sequence))
  return integer(sequence)
end

local function wake(listing)
  if redis.call('SET', 'woken:' .. listing, '1', 'NX', 'PX', WAKE_TTL_MS) then
    return 1
  end
  return 0
end

-- What is settled and released does not count, though the stream is trimmed a hundred entries at a time.
local function stream_full(listing, limit)
  if redis.call('XLEN', 'orders:' .. listing) < limit then
    return false
  end
  local state = redis.call('HMGET', 'listing:' .. listing, 'sequence', 'applied')
  return tonumber(state[1]) - tonumber(state[2]) >= limit
end
