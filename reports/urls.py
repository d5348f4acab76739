from django.urls import URLPattern, path

from reports.views import email_log, export, help_pages, home

app_name = "reports"
urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("email-log/", email_log.email_log, name="email-log"),
    path("email-log/export/", export.email_log_export, name="email-log-export"),
    path("email-log/<int:pk>/", email_log.delivery_detail, name="delivery-detail"),
    path("help/", help_pages.help_page, name="help"),
]
