"""What templates ask about the providers."""

from typing import Any

from django import template
from django.urls import reverse

from accounts.social.providers import configured

register = template.Library()


@register.simple_tag
def social_providers() -> list[dict[str, Any]]:
    """Return the configured providers: `key`, `label`, `url` to start at."""
    return [
        {"key": key, "label": provider.label, "url": reverse(f"{key}_login")}
        for key, provider in configured().items()
    ]
