"""`manage.py seed`: companies, headlines, bots and the admin of a fresh installation; a second time it adds
nothing.
"""

from typing import Any

from django.core.management.base import BaseCommand

from games.catalogue import ADMIN_EMAIL
from games.seeding import catalogue_seed


class Command(BaseCommand):
    """Adds what is missing and prints the admin's password when it has just been made."""

    help = "Add the companies, headlines, bots and the admin that are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed and say what was added."""
        result = catalogue_seed()
        self.stdout.write(
            f"Seeded {result.companies} companies, {result.headlines} headlines, {result.bots} bots."
        )
        if result.admin_password is not None:
            self.stdout.write(f"Admin: {ADMIN_EMAIL}  password (shown only now): {result.admin_password}")
