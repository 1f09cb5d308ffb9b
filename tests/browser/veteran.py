"""A player without a window, who gives the pages something to show: trades, open orders, words, results."""

import time
from typing import Any

from tests.instance import wait_until
from tests.player import Player

PASSWORD = "correct-horse-9"


class Veteran(Player):
    """A player who trades over HTTP while others click."""

    first_game = 0

    def wait_trading(self, seconds_left: float, limit_seconds: float = 200) -> dict[str, Any]:
        """Wait for a game that trades and has time left; return it."""

        def trading() -> dict[str, Any] | None:
            game = self.get("/api/game")
            if game.get("phase") != "trading":
                return None
            return game if game["phase_ends_at_ms"] - game["server_time_ms"] > seconds_left * 1_000 else None

        game = wait_until(trading, limit_seconds, f"a game with {seconds_left} s left")
        assert game is not None
        return game

    def trade_some(self, seconds_left: float = 10) -> int:
        """Buy and sell here and there, leave orders open, say something; return the game's number."""
        game = self.wait_trading(seconds_left)
        rows = self.get("/api/market")["listings"]
        for index, row in enumerate(rows[:4]):
            symbol = row["symbol"]
            wait_until(lambda symbol=symbol: self.get(f"/api/market/{symbol}/book")["asks"], 30, "asks")
            quantity = max(2, 1_200_000 // row["last_price"])
            answer = self.order(symbol, "buy", quantity)
            assert answer.status_code == 202, answer.text
            self._wait_held(symbol)
            if index < 3:
                held = self._wait_held(symbol)
                assert self.order(symbol, "sell", max(1, held // 3)).status_code == 202
        for row in rows[:3]:
            assert self.order(row["symbol"], "buy", 5, row["lower_limit"]).status_code == 202
        self.say_in_chat("오늘은 항로전자가 뜨겁네요. 다들 화이팅!")
        return int(game["number"])

    def _wait_held(self, symbol: str) -> int:
        def held() -> int:
            rows = self.get("/api/account")["holdings"]
            return next((int(row["available_quantity"]) for row in rows if row["symbol"] == symbol), 0)

        return wait_until(held, 30, f"shares of {symbol}")

    def say_in_chat(self, text: str) -> None:
        """Post a message by the form that works without scripts."""
        token = self.http.cookies["csrftoken"]
        self.http.post("/chat/", data={"text": text, "csrfmiddlewaretoken": token}).raise_for_status()

    def wait_results(self, number: int, limit_seconds: float = 400) -> None:
        """Wait until a game's results are there."""
        began = time.monotonic()
        wait_until(
            lambda: self.get(f"/api/games/{number}")["phase"] == "intermission", limit_seconds, "results"
        )
        print(f"waited {time.monotonic() - began:.1f} s for results")
