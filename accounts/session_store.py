"""Where sessions live: Django's cached database sessions, which say when one has ended.

`SESSION_ENGINE` names this module. Every way a session can end (logout, the new key at login, a changed
password) goes through `delete`, so the listeners of `accounts.sessions` hear of each.
"""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import cached_db

from accounts.sessions import session_ended


class SessionStore(cached_db.SessionStore):
    """The cache answers, the database remembers, and each row knows its user."""

    cache_key_prefix = "session."

    @classmethod
    def get_model_class(cls) -> Any:
        """Return the model of a session; imported late, as the applications may still be loading."""
        from accounts.models import Session

        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """Return the row of this session, with the user who is logged in, if any."""
        row: Any = super().create_model_instance(data)
        row.user_id = data.get(SESSION_KEY)
        return row

    async def acreate_model_instance(self, data: dict[str, Any]) -> Any:
        """Return the row of this session, with the user who is logged in, if any."""
        row: Any = await super().acreate_model_instance(data)
        row.user_id = data.get(SESSION_KEY)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """End a session, this one by default, and tell the listeners."""
        ended = session_key or self.session_key
        user_id = self._user_of(ended)
        super().delete(session_key)
        if ended:
            session_ended(ended, user_id)

    async def adelete(self, session_key: str | None = None) -> None:
        """End a session, this one by default, and tell the listeners."""
        ended = session_key or self.session_key
        user_id = await sync_to_async(self._user_of)(ended)
        await super().adelete(session_key)
        if ended:
            await sync_to_async(session_ended)(ended, user_id)

    def _user_of(self, session_key: str | None) -> int | None:
        """Return whose session this is, None for a visitor's."""
        rows = self.get_model_class().objects.filter(pk=session_key or "").values_list("user_id", flat=True)
        return rows.first() if session_key else None
