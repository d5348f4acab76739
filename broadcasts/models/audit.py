from django.db import models
from django.utils.translation import gettext_lazy as _

from broadcasts.deeds import words_for


class AuditEntry(models.Model):
    """Who did what and when. Written by `broadcasts.audit.record` in the same transaction as the deed."""

    at = models.DateTimeField(_("when"), auto_now_add=True)
    actor = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+", verbose_name=_("who"))
    actor_name = models.CharField(_("who"), max_length=200, help_text="Stays when the account is deleted.")
    action = models.CharField(_("what"), max_length=60, help_text="Like broadcast.sent or blocked_email.removed.")
    school = models.ForeignKey("School", models.SET_NULL, null=True, related_name="+")
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=40)
    object_label = models.CharField(_("on"), max_length=320)
    details = models.JSONField(_("details"), default=dict)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes = [models.Index(fields=["object_type", "object_id"], name="audit_of_object")]

    def __str__(self) -> str:
        return f"{self.actor_name}: {words_for(self.action)}, {self.object_label}"
