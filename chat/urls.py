"""Addresses of the chat, mounted at the root."""

from django.urls import path

from chat import views

urlpatterns = [
    path("chat/", views.post, name="chat_post"),
    path("api/chat", views.history, name="api_chat"),
]
