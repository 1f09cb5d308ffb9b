"""Who logs in with a password: the one user whose confirmed e-mail it is."""

from allauth.account.auth_backends import AuthenticationBackend

from accounts.emails import email_owner
from accounts.models import User


class EmailBackend(AuthenticationBackend):
    """One look-up and one hash for every attempt, whether anybody has the e-mail, has claimed it, or nobody.

    django-allauth's own would try each account that has claimed the address: its answer and its time would tell.
    """

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        found: User | None = self._check_password(email_owner(email), password)
        return found
