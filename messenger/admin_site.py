from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class MessengerAdminSite(AdminSite):
    site_title = site_header = "Messenger"
    index_title = _("Administration")

    def has_permission(self, request: HttpRequest) -> bool:
        """Administrators, by role; Django's own staff flag plays no part."""
        return bool(getattr(request.user, "is_administrator", False))


class MessengerAdminConfig(AdminConfig):
    default_site = "messenger.admin_site.MessengerAdminSite"
