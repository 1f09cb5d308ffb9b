"""`manage.py audit`: do the ledger, the gate and the books agree? Exit status 1 when not."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from redis.exceptions import RedisError

from trading.audit import market_audit
from trading.models import Market


class Command(BaseCommand):
    help = "Prove from outside that nothing was lost, doubled or conjured up in a game's market."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the JSON line alone")
        parser.add_argument("--game", type=int, help="the number of the game (the current one by default)")

    def handle(self, *args: Any, **options: Any) -> None:
        market = None
        if options["game"] is not None:
            market = Market.objects.filter(pk=options["game"]).first()
            if market is None:
                raise CommandError(f"there is no game {options['game']}")
        try:
            checks = market_audit(market)
        except RedisError as error:
            raise CommandError(f"the gate store does not answer: {error}") from None
        ok = all(check.ok for check in checks)
        if not options["json"]:
            for check in checks:
                self.stdout.write(f"{'ok  ' if check.ok else 'FAIL'} {check.name} {check.detail}".rstrip())
        listed = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
        self.stdout.write(json.dumps({"ok": ok, "checks": listed}, ensure_ascii=False))
        if not ok:
            sys.exit(1)
