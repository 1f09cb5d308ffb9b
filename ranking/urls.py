"""Addresses of the ranking's JSON calls."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from ranking import views


class GameNumberConverter(IntConverter):
    """A game's number: ten digits at the most, so that it always fits the database."""

    regex = "[0-9]{1,10}"


register_converter(GameNumberConverter, "game_number")

urlpatterns = [
    path("api/rankings/game", views.api_rankings_game, name="api_rankings_game"),
    path("api/rankings/last", views.api_rankings_last, name="api_rankings_last"),
    path("api/rankings/returns", views.api_rankings_returns, name="api_rankings_returns"),
    path("api/rankings/mmr", views.api_rankings_mmr, name="api_rankings_mmr"),
    path("api/games/<game_number:number>", views.api_game_results, name="api_game_results"),
    path("api/games/<game_number:number>/review", views.api_game_review, name="api_game_review"),
]
