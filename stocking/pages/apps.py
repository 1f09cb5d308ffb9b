"""Pages composed from several applications, their errors, health and metrics."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """The pages application: no models."""

    name = "stocking.pages"
    label = "pages"
