"""What a player is told of a practice game, in the shapes of the live API so that the same screen can show it.

A full frame has everything, the others what has changed since the one before; `frame` counts them, so that a page
knows when it missed one. Trading opens at nine o'clock of a day without a date: times are milliseconds since then.
"""

from typing import Any

from games.core.practice import Outcome, PracticeGame, PracticeOrder
from games.core.simulated import Fill
from stocking.base.errors import message_of
from stocking.base.units import return_bps
from trading.core.candles import INTERVALS, Candle, CandleSeries
from trading.core.ticks import tick_size

OPENS_AT_MS = 86_400_000  # 1970-01-02, 09:00 in Seoul
CANDLES = "5s"
TRADES_KEPT = 60
FILLS_KEPT = 200


class Teller:
    """Remembers what of one game has been told."""

    def __init__(self, game: PracticeGame) -> None:
        self._game = game
        self._candles = {symbol: CandleSeries(INTERVALS[CANDLES]) for symbol in game.market.exchange.listings}
        self._volume = dict.fromkeys(self._candles, 0)
        self._tape = self._fills = self._news = self._ended = 0
        self._told: dict[str, Any] = {}

    def everything(self) -> dict[str, Any]:
        """Return all there is to know of the game now."""
        self._read_tape()
        tape, fills = self._game.market.tape, self._game.fills
        self._fills, self._news = len(fills), len(self._game.market.news)
        self._ended = len(self._game.ended_orders)
        recent = {
            symbol: [_trade(fill) for fill in reversed(tape) if fill.symbol == symbol][:TRADES_KEPT]
            for symbol in self._candles
        }
        self._told = {"account": self._account(), "orders": self._orders()}
        return {
            "listings": [self._listing(symbol) for symbol in self._candles],
            "books": self._books(),
            "trades": recent,
            "candles": {
                symbol: [_candle(candle) for candle in series.candles.values()]
                for symbol, series in self._candles.items()
            },
            **self._told,
            "ended": [],
            "fills": [self._fill(fill) for fill in reversed(fills)][:FILLS_KEPT],
            "news": self._news_from(0),
        }

    def changes(self) -> dict[str, Any]:
        """Return prices and books, and what else has changed since the last telling."""
        trades = self._read_tape()
        fills = self._game.fills[self._fills :]
        ended = self._game.ended_orders[self._ended :]
        news = self._news_from(self._news)
        self._ended += len(ended)
        self._fills += len(fills)
        self._news += len(news)
        told: dict[str, Any] = {
            "listings": [self._listing(symbol) for symbol in self._candles],
            "books": self._books(),
        }
        now = {"account": self._account(), "orders": self._orders()}
        told |= {name: value for name, value in now.items() if value != self._told.get(name)}
        self._told = now
        optional = {
            "trades": trades,
            "ended": [order_row(order) for order in ended],
            "fills": [self._fill(fill) for fill in reversed(fills)],
            "news": news,
        }
        return told | {name: value for name, value in optional.items() if value}

    def _read_tape(self) -> dict[str, list[dict[str, Any]]]:
        """Fold the fills since the last time into the candles; return them by listing, newest first."""
        tape = self._game.market.tape
        found: dict[str, list[dict[str, Any]]] = {}
        for index in range(self._tape, len(tape)):
            fill = tape[index]
            self._candles[fill.symbol].add(fill.price, fill.quantity, OPENS_AT_MS + fill.at_ms)
            self._volume[fill.symbol] += fill.quantity
            found.setdefault(fill.symbol, []).insert(0, _trade(fill))
        self._tape = len(tape)
        return found

    def _listing(self, symbol: str) -> dict[str, Any]:
        market = self._game.market
        listing = market.exchange.listings[symbol]
        [company] = [company for company in market.companies if company.symbol == symbol]
        return {
            "symbol": symbol,
            "name": company.name,
            "sector": company.sector,
            "last_price": listing.last_price,
            "base_price": listing.base_price,
            "change_bps": return_bps(listing.last_price, listing.base_price),
            "upper_limit": listing.upper_limit,
            "lower_limit": listing.lower_limit,
            "tick_size": tick_size(listing.last_price),
            "volume": self._volume[symbol],
            "status": "closed" if listing.is_closed else "trading",
        }

    def _books(self) -> dict[str, Any]:
        market = self._game.market
        found = {}
        for symbol in self._candles:
            bids, asks = market.book(symbol)
            found[symbol] = {"bids": bids, "asks": asks, "last_price": market.last_price(symbol)}
        return found

    def _account(self) -> dict[str, Any]:
        game = self._game
        cash, available = game.cash()
        equity = game.equity()
        holdings = []
        for symbol in self._candles:
            held, free, cost = game.shares(symbol)
            if held:
                last, average = game.market.last_price(symbol), cost // held
                holdings.append(
                    {
                        "symbol": symbol,
                        "quantity": held,
                        "available_quantity": free,
                        "average_price": average,
                        "last_price": last,
                        "return_bps": return_bps(last, average),
                    }
                )
        return {
            "cash": cash,
            "available_cash": available,
            "initial_cash": game.initial_cash,
            "equity": equity,
            "return_bps": return_bps(equity, game.initial_cash),
            "holdings": holdings,
        }

    def _orders(self) -> list[dict[str, Any]]:
        return [order_row(order) for order in self._game.open_orders()]

    def _fill(self, fill: Fill) -> dict[str, Any]:
        order_id = self._game.order_id_of(fill)
        return {
            "trade_id": fill.number,
            "order_id": order_id,
            "symbol": fill.symbol,
            "side": self._game.side_of(fill),
            "price": fill.price,
            "quantity": fill.quantity,
            "role": "taker" if fill.taker == order_id else "maker",
            "traded_at": OPENS_AT_MS + fill.at_ms,
        }

    def _news_from(self, index: int) -> list[dict[str, Any]]:
        market = self._game.market
        return [
            {
                "symbol": market.companies[news.company_id].symbol,
                "kind": news.kind,
                "direction": "good" if news.is_good else "bad",
                "text": news.headline,
                "sent_at": OPENS_AT_MS + news.at_ms,
            }
            for news in market.news[index:]
        ]


def order_row(order: PracticeOrder) -> dict[str, Any]:
    """Return an order as `GET /api/orders` shows one."""
    return {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "price": order.price,
        "quantity": order.quantity,
        "filled_quantity": order.filled,
        "average_fill_price": order.value // order.filled if order.filled else None,
        "status": order.status,
        "reason": order.reason,
        "created_at": OPENS_AT_MS + order.created_at,
    }


def outcome_row(outcome: Outcome, names: dict[str, str]) -> dict[str, Any]:
    """Return how a game ended."""
    return {
        "equity": outcome.equity,
        "return_bps": outcome.return_bps,
        "house_return_bps": outcome.house_return_bps,
        "fills": outcome.fills,
        "listings": [
            {
                "symbol": listing.symbol,
                "name": names[listing.symbol],
                "base_price": listing.base_price,
                "value": listing.value,
                "return_bps": return_bps(listing.value, listing.base_price),
                "fundamental": listing.fundamental,
                "profit": listing.profit,
            }
            for listing in outcome.listings
        ],
    }


def answer_row(ref: str, *, code: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the answer to one ask; a refusal has its code and what the player is told to do."""
    if code is not None:
        more |= {"code": code, "message": message_of(code)}
    return {"ref": ref, **more}


def _trade(fill: Fill) -> dict[str, Any]:
    return {
        "trade_id": fill.number,
        "price": fill.price,
        "quantity": fill.quantity,
        "taker_side": fill.taker_side,
        "traded_at": OPENS_AT_MS + fill.at_ms,
    }


def _candle(candle: Candle) -> dict[str, int]:
    return {
        "start": candle.start,
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
    }
