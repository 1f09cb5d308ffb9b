"""Settings: production where `DEBUG` is off, development otherwise; tests name `stocking.settings.test`."""

import os

if os.environ.get("DJANGO_SETTINGS_MODULE", __name__) == __name__:
    from stocking.settings.environment import env

    if env.bool("DEBUG", default=True):
        from stocking.settings.development import *
    else:
        from stocking.settings.production import *
