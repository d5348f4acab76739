"""Files that go out with a broadcast. They lie in the database: a worker on another machine needs nothing else."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from broadcasts.models.broadcasts import Broadcast
from broadcasts.models.schools import User
from broadcasts.models.scopes import SchoolQuerySet


class AttachmentQuerySet(SchoolQuerySet["Attachment"]):
    def files(self) -> "AttachmentQuerySet":
        return self.filter(is_inline=False)

    def pictures(self) -> "AttachmentQuerySet":
        return self.filter(is_inline=True)

    def total_size(self) -> int:
        return int(self.aggregate(total=models.Sum("size", default=0))["total"])


class AttachmentManager(models.Manager["Attachment"]):
    """Nobody reads megabytes for a list of names: who wants the content asks for it by `content_of`."""

    def get_queryset(self) -> AttachmentQuerySet:
        return AttachmentQuerySet(self.model, using=self._db).defer("content")

    def visible_to(self, user: User) -> AttachmentQuerySet:
        return self.get_queryset().visible_to(user)

    def files(self) -> AttachmentQuerySet:
        return self.get_queryset().files()

    def pictures(self) -> AttachmentQuerySet:
        return self.get_queryset().pictures()

    def total_size(self) -> int:
        return self.get_queryset().total_size()


class Attachment(models.Model):
    """A file beside the message, or a picture inside it (`is_inline`). Written by `composing.attaching` alone."""

    school_path = "broadcast__school"

    broadcast = models.ForeignKey(Broadcast, models.CASCADE, related_name="attachments", db_index=False)
    filename = models.CharField(_("name"), max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField(_("size"), help_text="In bytes, before it is encoded.")
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    is_inline = models.BooleanField(default=False)
    picture_id = models.UUIDField(default=uuid.uuid4, help_text="What the message calls a picture of its own.")
    alternative = models.CharField(
        max_length=300, blank=True, help_text="What a picture says, for those who cannot see it."
    )
    width = models.PositiveIntegerField(null=True, help_text="Of a picture, in pixels.")
    added_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    objects = AttachmentManager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            # Pressing twice adds nothing; also the way from a broadcast to its files.
            models.UniqueConstraint(fields=["broadcast", "is_inline", "sha256"], name="a_file_once_per_broadcast"),
            models.UniqueConstraint(fields=["broadcast", "picture_id"], name="a_picture_by_its_id"),
            models.CheckConstraint(name="a_picture_has_words", condition=Q(is_inline=False) | ~Q(alternative="")),
            models.CheckConstraint(name="a_file_has_content", condition=Q(size__gt=0)),
        ]

    def __str__(self) -> str:
        return self.filename
