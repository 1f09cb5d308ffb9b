"""Settings: production where `DEBUG` is off, development otherwise; tests name `stocking.settings.test`."""

from stocking.settings.environment import env

if env.bool("DEBUG", default=True):
    from stocking.settings.development import *  # noqa: F403
else:
    from stocking.settings.production import *  # noqa: F403
