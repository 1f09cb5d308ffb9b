"""Letters that a database or a mail server takes for others open nobody's account."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.emails import email_claim_of, email_owner
from accounts.models import User
from accounts.tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

# MariaDB's usual collations take these for ant@example.com; the mail would go to another domain or mailbox.
ALIKE = ("ant@exämple.com", "ant@éxample.com", "änt@example.com", "ant@example.com\N{COMBINING ACUTE ACCENT}")


@pytest.mark.parametrize("typed", ALIKE)
def test_a_reset_for_an_address_that_only_looks_alike_sends_no_key(player: User, typed: str) -> None:
    assert email_owner(typed) is None
    assert email_claim_of(typed) is None
    Client().post("/accounts/password/reset/", {"email": typed})
    assert not any("/password/reset/key/" in message.body for message in mail.outbox)


@pytest.mark.parametrize("verification", ["none", "mandatory"])
def test_no_account_has_an_address_of_other_letters(
    player: User, sign_up: Callable[..., Any], settings: Any, verification: str
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    answer = sign_up(email="new@exämple.com")
    assert answer.context["form"].errors["email"] == ["이메일 주소는 영문, 숫자, 기호로만 적어 주세요."]
    client = Client()
    client.force_login(player)
    answer = client.post("/accounts/email/", {"email": "ant@éxample.com", "password": PASSWORD})
    assert "email" in answer.context["form"].errors
    assert User.objects.get().email == "ant@example.com"
