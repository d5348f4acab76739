"""A file of recipients for one list, between its upload and its Confirm."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from broadcasts.models.lists import List
from broadcasts.models.schools import School
from broadcasts.models.scopes import SchoolQuerySet


class Upload(models.Model):
    """A file of recipients between its upload and its Confirm. Nothing of it is in the directory before."""

    class Status(models.TextChoices):
        CHECKING = "checking", _("to be confirmed")
        CONFIRMED = "confirmed", _("confirmed")
        DISCARDED = "discarded", _("discarded")

    school = models.ForeignKey(School, models.CASCADE, related_name="uploads")
    list = models.ForeignKey(List, models.SET_NULL, null=True, blank=True, related_name="uploads")
    list_name = models.CharField(_("list"), max_length=200, help_text=_("The list it makes or adds to."))
    file = models.FileField(upload_to="recipients/%Y/%m/")
    file_name = models.CharField(max_length=255, help_text="The name it had on the user's machine.")
    status = models.CharField(max_length=10, choices=Status, default=Status.CHECKING)
    summary = models.JSONField(default=dict, help_text="Counts of what Confirm did.")
    uploaded_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+")
    uploaded_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)

    objects = SchoolQuerySet.as_manager()

    def __str__(self) -> str:
        return self.file_name
