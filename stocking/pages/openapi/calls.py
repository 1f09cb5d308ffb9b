"""The calls of the JSON API: parameters, answers, and in `x-codes` what each can refuse with, in order."""

from typing import Any

from chat.selectors import HISTORY_MESSAGES
from ranking.core.periods import Period
from ranking.selectors import BOARD_ROWS_MAX, RESULT_ROWS_MAX
from ranking.views import BOARD_ROWS
from stocking.pages.openapi.schemas import ref
from trading.selectors import (
    BOOK_DEPTH,
    BOOK_DEPTH_MAX,
    CANDLES_LIMIT,
    INTERVALS,
    ORDER_SORTS,
    ORDER_STATUSES,
    SIDES,
)
from trading.views import LIST_LIMIT, LIST_LIMIT_MAX

Call = dict[str, Any]

TAGS = [
    {"name": "orders", "description": "Placing, changing and canceling orders."},
    {"name": "account", "description": "What is mine."},
    {"name": "market", "description": "What everyone may see of the exchange."},
    {"name": "games", "description": "Games, results and rankings."},
    {"name": "chat", "description": "What was said."},
]

_GATE = ["csrf_failed", "invalid_request", "not_authenticated"]
_ENTRY = ["recovering", "overloaded", "outcome_unknown"]
_TERMS = ["invalid_quantity", "order_too_large", "invalid_tick", "price_out_of_range"]
_MARKET = ["market_closed", "market_paused"]
SUBMIT_CODES = [
    *_GATE, "request_too_large", "client_order_id_reused", "rate_limited", "unknown_symbol", *_MARKET, "halted",
    *_TERMS, "too_many_open_orders", "insufficient_cash", "insufficient_shares", *_ENTRY,
]  # fmt: skip
AMEND_CODES = [
    *_GATE, "request_too_large", "rate_limited", "order_not_found", "order_not_open", "amend_pending", *_MARKET,
    "halted", *_TERMS, "insufficient_cash", "insufficient_shares", *_ENTRY,
]  # fmt: skip
CANCEL_CODES = [
    *_GATE,
    "rate_limited",
    "order_not_found",
    "order_not_open",
    "market_closed",
    "market_paused",
    *_ENTRY,
]
CANCEL_ALL_CODES = [*_GATE, "rate_limited", "unknown_symbol", *_MARKET, *_ENTRY]


def _parameter(
    name: str, schema: dict[str, Any], description: str = "", place: str = "query"
) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "schema": schema,
        "description": description,
    }


def _choice(name: str, values: Any, default: str | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "enum": list(values)}
    return _parameter(name, {**schema, "default": default} if default else schema)


def _limit(default: int, maximum: int, name: str = "limit") -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1, "default": default}
    return _parameter(name, schema, f"What is above {maximum} counts as {maximum}.")


GAME = _parameter(
    "game", {"type": "integer", "minimum": 1}, "The game's number; the current game without it."
)
SYMBOL_FILTER = _parameter("symbol", {"type": "string"}, "Of one stock only.")
SYMBOL_PATH = _parameter("symbol", {"type": "string"}, "The stock.", "path")
ORDER_PATH = _parameter("order_id", {"type": "string"}, "The order's id as the 202 gave it.", "path")
PLAYER_PATH = _parameter("player", {"type": "string"}, "The player's key, `author` of a message.", "path")
CURSOR = _parameter(
    "cursor", {"type": "string"}, "`next_cursor` of the page before, with the same filters and sort."
)
PAGE = _parameter("page", {"type": "integer", "minimum": 1, "default": 1}, "Which page, by `limit`.")
LIST = [
    SYMBOL_FILTER,
    _choice("side", SIDES),
    _choice("sort", ORDER_SORTS, "newest"),
    _limit(LIST_LIMIT, LIST_LIMIT_MAX),
    CURSOR,
    GAME,
]


def _call(
    tag: str,
    summary: str,
    answer: str,
    *,
    parameters: list[dict[str, Any]] | None = None,
    body: str = "",
    codes: list[str] | None = None,
    status: int = 200,
    description: str = "",
    security: list[dict[str, list[str]]] | None = None,
) -> Call:
    call: Call = {
        "tags": [tag],
        "summary": summary,
        "parameters": parameters or [],
        "security": security or [],
        "x-codes": codes or [],
        "responses": {
            str(status): {
                "description": "Accepted: it is in the log on disk and will be applied exactly once."
                if status == 202
                else "The answer.",
                "content": {"application/json": {"schema": ref(answer)}},
            }
        },
    }
    if description:
        call["description"] = description
    if body:
        call["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref(body)}}}
    return call


MINE: list[dict[str, list[str]]] = [{"session": []}]
UNSAFE: list[dict[str, list[str]]] = [{"session": [], "csrf": []}]

PATHS: dict[str, dict[str, Call]] = {
    "/api/orders": {
        "post": _call(
            "orders", "Place an order", "Accepted", body="NewOrder", codes=SUBMIT_CODES, status=202, security=UNSAFE,
            description="After a 503 `outcome_unknown` ask again with the same `client_order_id`: it is placed once.",
        ),
        "get": _call(
            "orders", "My orders", "Orders", parameters=[_choice("status", ORDER_STATUSES, "all"), *LIST],
            codes=["invalid_request", "not_authenticated", "not_found", "unknown_symbol"], security=MINE,
            description="`partially_filled` counts as open.",
        ),
        "delete": _call(
            "orders", "Cancel all my orders", "AllCanceled", parameters=[SYMBOL_FILTER], codes=CANCEL_ALL_CODES,
            status=202, security=UNSAFE,
        ),
    },
    "/api/orders/{order_id}": {
        "get": _call(
            "orders", "One of my orders", "Order", parameters=[ORDER_PATH],
            codes=["not_authenticated", "order_not_found"], security=MINE,
        ),
        "patch": _call(
            "orders", "Amend an order", "AmendAccepted", parameters=[ORDER_PATH], body="NewTerms", codes=AMEND_CODES,
            status=202, security=UNSAFE,
            description="One that loses the race against a fill ends as an `order` message on `me`: `order_not_open`.",
        ),
        "delete": _call(
            "orders", "Cancel an order", "CancelAccepted", parameters=[ORDER_PATH], codes=CANCEL_CODES, status=202,
            security=UNSAFE,
        ),
    },
    "/api/fills": {
        "get": _call(
            "account", "My fills", "Fills", parameters=LIST,
            codes=["invalid_request", "not_authenticated", "not_found", "unknown_symbol"], security=MINE,
        ),
    },
    "/api/account": {
        "get": _call(
            "account", "My cash, shares and return", "Account", parameters=[GAME],
            codes=["invalid_request", "not_authenticated", "not_found"], security=MINE,
            description="What is available shrinks with the 202 of an order and is released before its fill is told.",
        ),
    },
    "/api/market": {
        "get": _call(
            "market", "All stocks", "Market", parameters=[GAME], codes=["invalid_request", "not_found"]
        ),
    },
    "/api/market/{symbol}/book": {
        "get": _call(
            "market", "The order book", "Book",
            parameters=[SYMBOL_PATH, _limit(BOOK_DEPTH, BOOK_DEPTH_MAX, "depth"), GAME],
            codes=["invalid_request", "not_found", "unknown_symbol"],
        ),
    },
    "/api/market/{symbol}/trades": {
        "get": _call(
            "market", "The last trades, newest first", "Trades",
            parameters=[SYMBOL_PATH, _limit(LIST_LIMIT, LIST_LIMIT_MAX), GAME],
            codes=["invalid_request", "not_found", "unknown_symbol"],
        ),
    },
    "/api/market/{symbol}/candles": {
        "get": _call(
            "market", "Candles, oldest first", "Candles",
            parameters=[
                SYMBOL_PATH, _choice("interval", INTERVALS, "5s"), _limit(CANDLES_LIMIT, LIST_LIMIT_MAX), GAME,
            ],
            codes=["invalid_request", "not_found", "unknown_symbol"],
            description="An interval without a trade has no candle.",
        ),
    },
    "/api/game": {"get": _call("games", "The current game and its clock", "Game")},
    "/api/games/{number}": {
        "get": _call(
            "games", "A game's results", "GameResults",
            parameters=[
                _parameter("number", {"type": "integer"}, "The game's number.", "path"),
                _limit(RESULT_ROWS_MAX, RESULT_ROWS_MAX),
                PAGE,
            ],
            codes=["invalid_request", "not_found"],
        ),
    },
    "/api/games/{number}/review": {
        "get": _call(
            "games", "How a game went, and what I did in it", "GameReview",
            parameters=[_parameter("number", {"type": "integer"}, "The game's number.", "path")], codes=["not_found"],
            description="Curves, courses of prices and hidden values, news, awards; made once when the game is over.",
        ),
    },
    "/api/rankings/game": {
        "get": _call(
            "games", "The current game by return", "GameRanking", parameters=[_limit(BOARD_ROWS, BOARD_ROWS_MAX)],
            codes=["invalid_request"],
        ),
    },
    "/api/rankings/last": {
        "get": _call(
            "games", "The last game by return", "GameRanking", parameters=[_limit(BOARD_ROWS, BOARD_ROWS_MAX), PAGE],
            codes=["invalid_request"],
        ),
    },
    "/api/rankings/returns": {
        "get": _call(
            "games", "A day, a week or all time by mean return", "PeriodRanking",
            parameters=[_choice("period", list(Period), Period.DAY), _limit(BOARD_ROWS, BOARD_ROWS_MAX), PAGE],
            codes=["invalid_request"],
            description="The mean return of a game, from `games_min` games on. `me` has no rank with fewer.",
        ),
    },
    "/api/rankings/mmr": {
        "get": _call(
            "games", "Players by MMR", "MmrRanking", parameters=[_limit(BOARD_ROWS, BOARD_ROWS_MAX), PAGE],
            codes=["invalid_request"],
        ),
    },
    "/api/practice/daily": {
        "get": _call("games", "Today's board of the practice game that is the same for everybody", "DailyBoard"),
    },
    "/api/nickname": {
        "get": _call(
            "account", "Whether a nickname can be taken", "NicknameCheck",
            parameters=[_parameter("nickname", {"type": "string"}, "As typed.")], codes=["rate_limited"],
        ),
    },
    "/api/chat": {
        "get": _call(
            "chat", "The newest messages, oldest first", "Messages",
            parameters=[_limit(HISTORY_MESSAGES, HISTORY_MESSAGES)], codes=["invalid_request"],
        ),
    },
    "/api/chat/mutes": {
        "get": _call("chat", "Whom I have muted", "Mutes", codes=["not_authenticated"], security=MINE),
        "post": _call(
            "chat", "Mute a player", "Mutes", body="NewMute", security=UNSAFE,
            codes=[*_GATE, "request_too_large", "rate_limited", "not_found", "message_not_found", "too_many_mutes"],
            description="Their messages are left out of `GET /api/chat` and of pages; over the socket each page does.",
        ),
    },
    "/api/chat/mutes/{player}": {
        "delete": _call(
            "chat", "Hear a player again", "Mutes", parameters=[PLAYER_PATH], security=UNSAFE,
            codes=["csrf_failed", "not_authenticated", "rate_limited", "not_found"],
        ),
    },
    "/api/chat/reports": {
        "post": _call(
            "chat", "Report a message", "Reported", body="NewReport", security=UNSAFE,
            codes=[*_GATE, "request_too_large", "rate_limited", "message_not_found"],
            description="Once for each message and player; a repeat changes nothing.",
        ),
    },
}  # fmt: skip
