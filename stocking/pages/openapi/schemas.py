"""The objects of the JSON API."""

from typing import Any

from chat.models import Report
from chat.reporting import NOTE_CHARACTERS_MAX
from games.models import News
from ranking.models import Award as AwardRow
from trading.models import Order

Schema = dict[str, Any]

WON = {"type": "integer", "description": "Won."}
SHARES = {"type": "integer", "description": "Shares."}
TIME = {"type": "integer", "format": "int64", "description": "Milliseconds since 1970."}
BPS = {"type": "integer", "description": "Basis points, rounded down."}
TEXT = {"type": "string"}
COUNT = {"type": "integer"}
FLAG = {"type": "boolean"}
SIDE = {"type": "string", "enum": ["buy", "sell"]}
ORDER_TYPE = {"type": "string", "enum": ["limit", "market"]}
TIER = {"type": "string", "enum": ["bronze", "silver", "gold", "platinum", "diamond"]}
SYMBOL = {"type": "string", "examples": ["HRE"]}
CLIENT_ORDER_ID = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_-]{1,36}$",
    "description": "Chosen by the client. The same id again gets the first answer and places nothing.",
}
LEVELS = {
    "type": "array",
    "description": "Best first: price, quantity, number of orders.",
    "items": {"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 3},
}
PHASE = {"type": "string", "enum": ["preparing", "trading", "settling", "intermission"]}
CURSOR = {"type": ["string", "null"], "description": "For `cursor=` of the next page; null at the end."}


def ref(name: str) -> Schema:
    """Return a reference to a schema of this module."""
    return {"$ref": f"#/components/schemas/{name}"}


def maybe(schema: Schema) -> Schema:
    """Return the schema, or null."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def array(items: Schema) -> Schema:
    """Return a list of these."""
    return {"type": "array", "items": items}


def thing(**properties: Schema) -> Schema:
    """Return an object all of whose fields are always there."""
    return {"type": "object", "required": list(properties), "properties": properties}


SCHEMAS: dict[str, Schema] = {
    "NicknameCheck": thing(
        nickname={**TEXT, "description": "As it would be stored; empty when it cannot be taken."},
        available=FLAG,
        message={**TEXT, "description": "Why not, or that it can, in the caller's language."},
    ),
    "NewOrder": {
        "type": "object",
        "required": ["client_order_id", "symbol", "side", "type", "quantity"],
        "properties": {
            "client_order_id": CLIENT_ORDER_ID,
            "symbol": SYMBOL,
            "side": SIDE,
            "type": ORDER_TYPE,
            "price": {**WON, "description": "Won, on the tick; a limit order has one, a market order none."},
            "quantity": SHARES,
        },
    },
    "Accepted": thing(
        order_id=TEXT,
        client_order_id=CLIENT_ORDER_ID,
        symbol=SYMBOL,
        status={"type": "string", "const": "accepted"},
        duplicate={**FLAG, "description": "True for a repeat, which placed nothing."},
    ),
    "NewTerms": {
        "type": "object",
        "minProperties": 1,
        "properties": {
            "price": {**WON, "description": "The new price; loses the order's place in the queue."},
            "quantity": {
                **SHARES,
                "description": "The new total, the filled part included; a lower one keeps the place.",
            },
        },
    },
    "AmendAccepted": thing(order_id=TEXT, status={"type": "string", "const": "accepted"}),
    "CancelAccepted": thing(
        order_id=TEXT,
        status={"type": "string", "const": "accepted"},
        duplicate={**FLAG, "description": "True when its cancel was on the way already."},
    ),
    "AllCanceled": thing(status={"type": "string", "const": "accepted"}),
    "Order": thing(
        order_id=TEXT,
        client_order_id=CLIENT_ORDER_ID,
        symbol=SYMBOL,
        side=SIDE,
        type=ORDER_TYPE,
        price={**WON, "description": "The limit; of a market order its protection price."},
        quantity=SHARES,
        filled_quantity=SHARES,
        average_fill_price={**maybe(WON), "description": "Won, rounded down; null without a fill."},
        status={"type": "string", "enum": list(Order.Status.values)},
        reason={
            "type": ["string", "null"],
            "description": "Why it ended: `user`, `self_trade`, `market_remainder`, `closed`, or a refusal code.",
        },
        created_at=TIME,
    ),
    "Orders": thing(orders=array(ref("Order")), next_cursor=CURSOR),
    "Fill": thing(
        trade_id=COUNT,
        order_id=TEXT,
        symbol=SYMBOL,
        side=SIDE,
        price=WON,
        quantity=SHARES,
        role={"type": "string", "enum": ["maker", "taker"]},
        traded_at=TIME,
    ),
    "Fills": thing(fills=array(ref("Fill")), next_cursor=CURSOR),
    "Holding": thing(
        symbol=SYMBOL,
        quantity=SHARES,
        available_quantity={**SHARES, "description": "Shares not held by open sell orders."},
        average_price=WON,
        last_price=WON,
        value=WON,
        profit=WON,
        return_bps=BPS,
    ),
    "Account": thing(
        nickname=TEXT,
        cash=WON,
        available_cash={**WON, "description": "Won not held by open buy orders."},
        initial_cash=WON,
        equity={**WON, "description": "Cash and shares at last prices."},
        return_bps=BPS,
        mmr=COUNT,
        tier=TIER,
        holdings=array(ref("Holding")),
    ),
    "Game": thing(
        number=maybe(COUNT),
        phase=PHASE,
        server_time_ms=TIME,
        phase_ends_at_ms=TIME,
        next_game_at_ms=TIME,
        trading_at_ms=TIME,
        closes_at_ms=TIME,
        paused_at_ms={
            **maybe(TIME),
            "description": "Since when staff have paused it; then the times to come are as if it went on now.",
        },
        pause_reason={**TEXT, "description": "Why it is paused, as staff say; empty where it is not."},
    ),
    "Listing": thing(
        symbol=SYMBOL,
        name=TEXT,
        name_en=TEXT,
        sector=TEXT,
        last_price=WON,
        base_price=WON,
        change_bps=BPS,
        upper_limit=WON,
        lower_limit=WON,
        tick_size=WON,
        volume=SHARES,
        status={"type": "string", "enum": ["preparing", "trading", "paused", "halted", "closed"]},
    ),
    "Market": thing(listings=array(ref("Listing"))),
    "Book": thing(
        version={**COUNT, "description": "That of the topic `book:{symbol}`; 0 for a past game."},
        bids=LEVELS,
        asks=LEVELS,
        last_price=WON,
    ),
    "Trade": thing(trade_id=COUNT, price=WON, quantity=SHARES, taker_side=SIDE, traded_at=TIME),
    "Trades": thing(trades=array(ref("Trade"))),
    "Candle": thing(start=TIME, open=WON, high=WON, low=WON, close=WON, volume=SHARES),
    "Candles": thing(candles=array(ref("Candle"))),
    "GameRankingRow": thing(
        rank=COUNT,
        nickname=TEXT,
        tier=TIER,
        return_bps=BPS,
        games_played=COUNT,
        is_me=FLAG,
        is_provisional=FLAG,
    ),
    "GameRanking": thing(
        number=maybe(COUNT),
        participants=COUNT,
        rows=array(ref("GameRankingRow")),
        me=maybe(ref("GameRankingRow")),
    ),
    "PeriodRankingRow": thing(
        rank=maybe(COUNT),
        nickname=TEXT,
        tier=TIER,
        return_bps={**BPS, "description": "The mean of the games, rounded down."},
        best_bps=BPS,
        games={**COUNT, "description": "Games in the period."},
        games_played=COUNT,
        is_me=FLAG,
        is_provisional=FLAG,
    ),
    "PeriodRanking": thing(
        period={"type": "string", "enum": ["day", "week", "all"]},
        games_min=COUNT,
        rows=array(ref("PeriodRankingRow")),
        me=maybe(ref("PeriodRankingRow")),
    ),
    "MmrRankingRow": thing(
        rank=COUNT, nickname=TEXT, tier=TIER, mmr=COUNT, games_played=COUNT, is_me=FLAG, is_provisional=FLAG
    ),
    "MyMmrRankingRow": thing(
        rank={**maybe(COUNT), "description": "None in placement, and when inactive."},
        nickname=TEXT,
        tier=TIER,
        mmr=COUNT,
        games_played=COUNT,
        is_me=FLAG,
        is_provisional=FLAG,
        is_inactive=FLAG,
    ),
    "MmrRanking": thing(games_min=COUNT, rows=array(ref("MmrRankingRow")), me=maybe(ref("MyMmrRankingRow"))),
    "Result": thing(
        rank=COUNT,
        nickname=TEXT,
        return_bps=BPS,
        equity=WON,
        fills=COUNT,
        mmr_before=COUNT,
        mmr_after=COUNT,
        tier_before=TIER,
        tier_after=TIER,
    ),
    "ClosingValue": thing(
        symbol=SYMBOL,
        name=TEXT,
        base_price=WON,
        value={**WON, "description": "The volume-weighted price of the last 30 s of trading."},
        return_bps=BPS,
    ),
    "GameResults": thing(
        number=COUNT,
        phase=PHASE,
        canceled={**FLAG, "description": "Whether the game was ended without results."},
        started_at=maybe(TIME),
        closed_at=maybe(TIME),
        participants={**maybe(COUNT), "description": "Null until the results stand."},
        house_return_bps=maybe(BPS),
        listings=array(ref("ClosingValue")),
        results=array(ref("Result")),
        me={**maybe(ref("Result")), "description": "My own result; null for a visitor and who took no part."},
    ),
    "ReviewListing": thing(
        symbol=SYMBOL,
        name=TEXT,
        base_price=WON,
        value={**WON, "description": "The closing value."},
        return_bps=BPS,
        prices={
            **array(WON),
            "description": "At each moment of the grid; at the last one the closing value.",
        },
        hidden={**array(WON), "description": "The hidden value at each moment of the grid."},
    ),
    "ReviewNews": thing(
        symbol=SYMBOL,
        name=TEXT,
        kind={"type": "string", "enum": list(News.Kind.values)},
        headline=TEXT,
        direction={"type": "string", "enum": ["good", "bad"]},
        published_at=TIME,
        price={**WON, "description": "When it came out."},
        price_later={**WON, "description": "Half a minute later."},
        effect_bps=BPS,
    ),
    "Award": thing(
        kind={"type": "string", "enum": list(AwardRow.Kind.values)},
        nickname=TEXT,
        value={**COUNT, "description": "Won (liquidity), milliseconds (reaction) or basis points."},
        count={**COUNT, "description": "Of how many fills (liquidity) or pieces of news (reaction)."},
    ),
    "ReviewStock": thing(
        symbol=SYMBOL,
        name=TEXT,
        fills=COUNT,
        bought_quantity=SHARES,
        bought_value=WON,
        sold_quantity=SHARES,
        sold_value=WON,
        left_quantity={**SHARES, "description": "Held at the close."},
        left_value=WON,
        profit=WON,
    ),
    "Deal": thing(
        symbol=SYMBOL,
        name=TEXT,
        quantity=SHARES,
        average_cost=WON,
        average_price=WON,
        profit=WON,
        profit_bps=BPS,
        sold_at={**maybe(TIME), "description": "When its first share was sold; null when held to the close."},
    ),
    "FillMark": thing(symbol=SYMBOL, start=TIME, side=SIDE, quantity=SHARES, price=WON),
    "MyReview": thing(
        initial_cash=WON,
        equity=WON,
        profit=WON,
        curve_bps={**array(BPS), "description": "My return at each moment of the grid."},
        high_bps=BPS,
        high_at=TIME,
        low_bps=BPS,
        low_at=TIME,
        drawdown_bps=BPS,
        stocks=array(ref("ReviewStock")),
        best=maybe(ref("Deal")),
        worst=maybe(ref("Deal")),
        fills={
            **array(ref("FillMark")),
            "description": "Summed by 5-second candle and side, at their average price.",
        },
    ),
    "GameReview": thing(
        number=COUNT,
        is_ready={**FLAG, "description": "False, and everything empty, until the game is over and reviewed."},
        grid={
            **array(TIME),
            "description": "The moments accounts are valued at: opening, every 5 s, close.",
        },
        median_bps={**array(BPS), "description": "The field's median return at each moment."},
        curves={**COUNT, "description": "How many players' curves the median is of."},
        listings=array(ref("ReviewListing")),
        news=array(ref("ReviewNews")),
        awards=array(ref("Award")),
        me=maybe(ref("MyReview")),
    ),
    "DailyRow": thing(rank=COUNT, nickname=TEXT, tier=TIER, return_bps=BPS, fills=COUNT, is_me=FLAG),
    "DailyMine": thing(
        rank={**maybe(COUNT), "description": "Null for who did not trade."}, return_bps=BPS, fills=COUNT
    ),
    "DailyBoard": thing(
        day={"type": "string", "format": "date"},
        players={**COUNT, "description": "Who traded at least once."},
        rows=array(ref("DailyRow")),
        me=maybe(ref("DailyMine")),
    ),
    "Message": thing(
        id=COUNT,
        kind={"type": "string", "enum": ["player", "system", "news", "result", "notice"]},
        author={
            "type": "string",
            "description": "The player's key, the same whatever their nickname; empty where no player speaks.",
        },
        nickname=TEXT,
        tier={"type": "string", "description": "Empty where no player speaks."},
        is_bot=FLAG,
        text=TEXT,
        level={"type": "string", "description": "Of news and notices: good, bad, info, warning, or empty."},
        symbol={"type": "string", "description": "Of news: the stock it is about; otherwise empty."},
        sent_at=TIME,
    ),
    "Messages": thing(messages=array(ref("Message"))),
    "NewMute": {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {
            "message_id": {"type": "integer", "minimum": 1, "description": "A message of the player."},
            "nickname": {"type": "string", "description": "Or the player's nickname."},
        },
    },
    "Muted": thing(player=TEXT, nickname=TEXT, muted_at=TIME),
    "Mutes": thing(players=array(ref("Muted"))),
    "NewReport": {
        "type": "object",
        "required": ["message_id", "reason"],
        "properties": {
            "message_id": {"type": "integer", "minimum": 1},
            "reason": {"type": "string", "enum": Report.Reason.values},
            "note": {"type": "string", "maxLength": NOTE_CHARACTERS_MAX},
        },
    },
    "Reported": thing(duplicate=FLAG),
}
