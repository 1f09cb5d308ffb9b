"""Addresses of the chat, mounted at the root."""

from django.urls import path

from chat import views

urlpatterns = [
    path("chat/", views.post, name="chat_post"),
    path("chat/mutes/", views.mutes, name="chat_mutes"),
    path("chat/mute/", views.mute, name="chat_mute"),
    path("chat/unmute/", views.unmute, name="chat_unmute"),
    path("chat/messages/<int:message_id>/report/", views.report, name="chat_report"),
    path("api/chat", views.history, name="api_chat"),
    path("api/chat/mutes", views.api_mutes, name="api_chat_mutes"),
    path("api/chat/mutes/<slug:player>", views.api_mute, name="api_chat_mute"),
    path("api/chat/reports", views.api_reports, name="api_chat_reports"),
]
