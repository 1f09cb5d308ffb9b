"""Addresses of the read API and of the order form."""

from django.urls import path

from trading import views

urlpatterns = [
    path("api/orders", views.api_orders, name="api_orders"),
    path("api/orders/<str:order_id>", views.api_order, name="api_order"),
    path("api/fills", views.api_fills, name="api_fills"),
    path("api/account", views.api_account, name="api_account"),
    path("api/market", views.api_market, name="api_market"),
    path("api/market/<str:symbol>/book", views.api_book, name="api_book"),
    path("api/market/<str:symbol>/trades", views.api_trades, name="api_trades"),
    path("api/market/<str:symbol>/candles", views.api_candles, name="api_candles"),
    path("orders/submit/", views.order_submit, name="order_submit"),
    path("orders/cancel-all/", views.orders_cancel_all, name="orders_cancel_all"),
    path("orders/<str:order_id>/amend/", views.order_amend, name="order_amend"),
    path("orders/<str:order_id>/cancel/", views.order_cancel, name="order_cancel"),
]
