"""Pages, read API and admin under a WSGI server (production)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stocking.settings")
application = get_wsgi_application()
