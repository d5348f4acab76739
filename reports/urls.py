from django.urls import URLPattern, path

from reports.views import (
    addresses_to_fix,
    behaviour,
    broadcast_report,
    broadcast_summary,
    email_log,
    email_log_acting,
    email_log_listing,
    export,
    families,
    help_pages,
    home,
    opens,
)

app_name = "reports"
urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("home/needs/", home.home_needs, name="home-needs"),
    path("email-log/", email_log.email_log, name="email-log"),
    path("email-log/columns/", email_log.email_log_columns, name="email-log-columns"),
    path("email-log/block/", email_log_acting.email_log_block, name="email-log-block"),
    path("email-log/list/", email_log_listing.email_log_list, name="email-log-list"),
    path("email-log/follow-up/", email_log_listing.email_log_follow_up, name="email-log-follow-up"),
    path("email-log/export/", export.email_log_export, name="email-log-export"),
    path("email-log/exports/", export.email_log_exports, name="email-log-exports"),
    path("email-log/exports/<str:token>/", export.export_file, name="export-file"),
    path("email-log/<int:pk>/", email_log.delivery_detail, name="delivery-detail"),
    path("reports/summary/", broadcast_summary.broadcast_summary, name="broadcast-summary"),
    path("reports/summary/export/", broadcast_summary.broadcast_summary_export, name="broadcast-summary-export"),
    path("broadcasts/<int:pk>/report/", broadcast_report.broadcast_report, name="broadcast-report"),
    path(
        "broadcasts/<int:pk>/report/results/",
        broadcast_report.broadcast_report_results,
        name="broadcast-report-results",
    ),
    path(
        "broadcasts/<int:pk>/report/<slug:slug>/",
        broadcast_report.broadcast_report_part,
        name="broadcast-report-part",
    ),
    path("people/addresses-to-fix/", addresses_to_fix.addresses_to_fix, name="addresses-to-fix"),
    path(
        "people/addresses-to-fix/export/",
        addresses_to_fix.addresses_to_fix_export,
        name="addresses-to-fix-export",
    ),
    path("broadcasts/<int:pk>/opens/", opens.broadcast_opens, name="broadcast-opens"),
    path(
        "broadcasts/<int:pk>/opens/by-mailboxes/",
        opens.broadcast_opened_by_mailbox,
        name="broadcast-opened-by-mailbox",
    ),
    path("families/", families.family_find, name="family-find"),
    path("families/<int:pk>/", families.family, name="family"),
    path("reports/behaviour/", behaviour.behaviour, name="behaviour"),
    path("help/", help_pages.help_page, name="help"),
]
