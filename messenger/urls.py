"""In the order in which data flows, but what comes without asking and in thousands is found first."""

from django.contrib import admin
from django.urls import include, path

from messenger.health import healthz
from reports.views.operations import metrics, readyz

urlpatterns = [
    path("anymail/", include("tracking.webhooks.urls")),
    path("", include("tracking.urls")),
    path("", include("broadcasts.urls")),
    path("", include("reports.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
