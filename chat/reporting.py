"""Players' complaints about messages."""

from django.db import transaction

from accounts.models import User
from chat.models import Message, Report
from chat.selectors import message_reportable
from chat.services import text_clean
from stocking.base.addresses import address_group
from stocking.base.errors import ApplicationError
from stocking.base.throttles import Allowance, Limit, throttle_take
from stocking.base.units import now_ms

NOTE_CHARACTERS_MAX = 200
ACCOUNT_LIMIT = Limit(10, 600)
ADDRESS_LIMIT = Limit(60, 600)


@transaction.atomic
def message_report(
    *, reporter: User, message_id: int, reason: str, note: str = "", address: str | None = None
) -> Report | None:
    """Put a message into staff's queue; None if the reporter has done so before.

    Raises `message_not_found` for one that is hidden, not a player's or one's own, `invalid_request` and
    `rate_limited`.
    """
    allowances = [Allowance(f"chat:report:{reporter.pk}", ACCOUNT_LIMIT)]
    if address is not None:
        allowances.append(Allowance(f"chat:report:{address_group(address)}", ADDRESS_LIMIT))
    throttle_take(*allowances)
    if reason not in Report.Reason.values:
        raise ApplicationError("invalid_request", parameter="reason")
    cleaned = text_clean(note) if len(note) <= 4 * NOTE_CHARACTERS_MAX else note
    if len(cleaned) > NOTE_CHARACTERS_MAX:
        raise ApplicationError("invalid_request", parameter="note", maximum=NOTE_CHARACTERS_MAX)
    message: Message | None = message_reportable(message_id=message_id, reporter=reporter)
    if message is None:
        raise ApplicationError("message_not_found")
    report, is_new = Report.objects.get_or_create(
        message=message, reporter=reporter, defaults={"reason": reason, "note": cleaned, "at": now_ms()}
    )
    return report if is_new else None
