"""Wiring of the service; the Celery application is loaded with Django so that tasks can be sent from anywhere."""

from stocking.celery import app as celery_app

__all__ = ["celery_app"]
