from django.db import models
from django.utils.translation import gettext_lazy as _


class BlockedEmail(models.Model):
    """An address nobody may write to, system-wide."""

    class Source(models.TextChoices):
        STAFF = "staff", _("entered by hand")
        SHELL = "shell", _("entered from the shell")
        COMPLAINT = "complaint", _("reported our email as spam")

    address = models.CharField(_("address"), max_length=320)
    key = models.CharField(max_length=320, unique=True, editable=False)
    reason = models.CharField(_("reason"), max_length=500)
    source = models.CharField(_("source"), max_length=10, choices=Source, default=Source.STAFF)
    added_by = models.ForeignKey(
        "User", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("added by")
    )
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        ordering = ["-added_at", "-pk"]
        verbose_name = _("Blocked Email")
        verbose_name_plural = _("Blocked Emails")

    def __str__(self) -> str:
        return self.address
