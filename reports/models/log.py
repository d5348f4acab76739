"""How somebody likes the Email Log, and files that were asked for."""

import secrets
from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from broadcasts.models import User

KEPT_FOR = timedelta(hours=24)


class LogView(models.Model):
    """How one user likes the Email Log."""

    user = models.OneToOneField(User, models.CASCADE, related_name="log_view")
    hidden = models.JSONField(default=list, help_text="Names of the columns that are not shown.")
    rows = models.PositiveSmallIntegerField(_("rows a page"), default=50)

    def __str__(self) -> str:
        return f"{self.user}"


def _expiry() -> datetime:
    return timezone.now() + KEPT_FOR


def _token() -> str:
    return secrets.token_urlsafe(24)


class ExportFile(models.Model):
    """A file that a worker writes because it is large. Its content is in the database: every machine can reach it."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting for its turn")
        WRITING = "writing", _("Being written")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    token = models.CharField(max_length=40, unique=True, default=_token, help_text="In its address.")
    user = models.ForeignKey(User, models.CASCADE, related_name="export_files", db_index=False)
    format = models.CharField(max_length=4)
    is_raw = models.BooleanField(default=False, help_text="Cells as they are, also those that look like formulas.")
    query = models.TextField(blank=True, help_text="What was asked for, as in the Email Log's address.")
    status = models.CharField(max_length=7, choices=Status, default=Status.WAITING)
    rows_expected = models.PositiveBigIntegerField(default=0)
    rows_written = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0, help_text="In bytes.")
    created_at = models.DateTimeField(auto_now_add=True)
    worked_on_at = models.DateTimeField(null=True, help_text="When its writer last showed a sign of life.")
    expires_at = models.DateTimeField(default=_expiry)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["user", "-id"], name="export_of_user"),
            models.Index(fields=["expires_at"], name="export_expires"),  # the sweep
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def file_name(self) -> str:
        return f"email-log-{timezone.localdate(self.created_at):%Y-%m-%d}.{self.format}"

    @property
    def percent(self) -> int:
        return min(99, 100 * self.rows_written // self.rows_expected) if self.rows_expected else 0


class ExportPiece(models.Model):
    """Some of an export's bytes: never more in memory than one of them."""

    file = models.ForeignKey(ExportFile, models.CASCADE, related_name="pieces", db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="export_pieces_are_numbered")]

    def __str__(self) -> str:
        return f"{self.file} {self.number}"
