"""The row locks of accounts."""

from accounts.models import User


def user_lock(user_id: int) -> User:
    """Return the user as stored, locked until the end of the transaction; on SQLite the transaction is the lock."""
    return User.objects.select_for_update().get(pk=user_id)
