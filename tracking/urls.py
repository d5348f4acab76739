"""Doors for the outside world: no login, no session."""

from django.urls import URLPattern, path

from tracking.views import pixel, preferences

app_name = "tracking"
urlpatterns: list[URLPattern] = [
    path("o/<str:token>.gif", pixel.pixel, name="pixel"),
    path("u/<str:token>/", preferences.preferences, name="preferences"),
]
