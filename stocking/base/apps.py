"""What all applications stand on: errors, units, the stream."""

from django.apps import AppConfig


class BaseConfig(AppConfig):
    """The base application: no models."""

    name = "stocking.base"
    label = "base"
