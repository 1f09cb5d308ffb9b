"""What makes a secret key fit for production: long, random, and nobody else's."""

from django.core.exceptions import ImproperlyConfigured

CHARACTERS_MIN = 50
DIFFERENT_CHARACTERS_MIN = 10
# Words of keys that stand in examples, tests, tutorials and generators' defaults.
_WORDS_OF_EXAMPLES = (
    "change-me", "changeme", "default", "development", "django-insecure", "example", "insecure", "only-for",
    "password", "placeholder", "replace", "secret", "stocking", "test-key", "your-", "xxxx", "1234567890",
)  # fmt: skip
HOW_TO_MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(64))"'


def secret_key_checked(key: str, name: str = "SECRET_KEY") -> str:
    """Return the key; raise ImproperlyConfigured, which never shows it, for one that others may know or guess."""
    lowered = key.lower()
    if not key:
        problem = "is not set"
    elif len(key) < CHARACTERS_MIN:
        problem = f"has fewer than {CHARACTERS_MIN} characters"
    elif len(set(key)) < DIFFERENT_CHARACTERS_MIN:
        problem = "repeats a few characters"
    elif any(word in lowered for word in _WORDS_OF_EXAMPLES):
        problem = "looks like a key of an example"
    else:
        return key
    raise ImproperlyConfigured(f"{name} {problem}. Make one: {HOW_TO_MAKE_ONE}")
