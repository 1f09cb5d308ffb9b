"""Addresses of the games' read API."""

from django.urls import path

from games import views

urlpatterns = [
    path("api/game", views.api_game, name="api_game"),
    path("api/practice/daily", views.api_practice_daily, name="api_practice_daily"),
]
