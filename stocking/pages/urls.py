"""Addresses of the pages that are composed from several applications, and of health."""

from django.urls import path, re_path

from stocking.pages import api_docs, errors, health, practice, records, results, views

urlpatterns = [
    path("", views.market, name="market"),
    path("stocks/<str:symbol>/", views.stock, name="stock"),
    path("orders/", views.orders, name="orders"),
    path("practice/", practice.practice, name="practice"),
    path("rankings/", records.rankings, name="rankings"),
    path("games/<int:number>/", results.game, name="game"),
    path("me/", records.me, name="me"),
    path("players/<str:nickname>/", records.player, name="player"),
    path("api/openapi.json", api_docs.openapi, name="openapi"),
    path("api/docs", api_docs.docs, name="api_docs"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    re_path(r"^api(?:/.*)?\Z", errors.api_not_found),
]
