"""The topic `chat`, and the operation by which a player speaks."""

import re
from typing import Any

from channels.db import database_sync_to_async

from accounts.models import User
from chat.selectors import HISTORY_MESSAGES, messages_public
from chat.services import message_post
from stocking.base.addresses import scope_address
from stocking.base.errors import ApplicationError
from stocking.base.stream import register_op, register_topic

REF = re.compile(r"[A-Za-z0-9_-]{1,36}")


def _history(topic: str) -> list[dict[str, Any]]:
    return messages_public()


def _post(user_id: int, text: Any, address: str) -> None:
    # Read anew: since the socket opened the player may have been banned, renamed or promoted.
    author = User.objects.filter(pk=user_id).first()
    if author is None:
        raise ApplicationError("not_authenticated")
    message_post(author=author, text=text, address=address)


async def chat_operation(consumer: Any, message: dict[str, Any]) -> None:
    """Handle `{"op": "chat", "text": …, "ref"?}`: the message comes back on the topic; a refusal is an `error`.

    The error carries the `ref`, by which a page knows which of its messages was refused.
    """
    ref = message.get("ref")
    named = {"ref": ref} if isinstance(ref, str) and REF.fullmatch(ref) else {}
    if consumer.user is None:
        await consumer.send_error("not_authenticated", **named)
        return
    try:
        address = scope_address(consumer.scope)
        await database_sync_to_async(_post)(consumer.user.pk, message.get("text"), address)
    except ApplicationError as error:
        await consumer.send_error(error.code, **error.extra, **named)


register_topic("chat", kind="append", limit=HISTORY_MESSAGES, snapshot=_history)
register_op("chat", chat_operation)
