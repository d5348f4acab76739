"""Persons, their addresses, and which broadcast types each address receives."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from broadcasts.models.broadcasts import BroadcastType
from broadcasts.models.schools import School
from broadcasts.models.scopes import SchoolQuerySet


class Person(models.Model):
    class Kind(models.TextChoices):
        STUDENT = "student", _("Student")
        GUARDIAN = "guardian", _("Guardian")
        STAFF = "staff", _("Staff")

    school = models.ForeignKey(School, models.PROTECT, related_name="people", verbose_name=_("school"))
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.GUARDIAN)
    language = models.CharField(_("language"), max_length=20, default="en")
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    objects = SchoolQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name_plural = _("people")
        indexes = [
            models.Index(fields=["school", "name"], name="person_by_name")  # an upload finds the school's people
        ]

    def __str__(self) -> str:
        return self.name


class EmailAddress(models.Model):
    """One address of one person. Two people may have the same one: that is what Duplicate is about."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="addresses", verbose_name=_("person"))
    address = models.CharField(_("address"), max_length=320, help_text=_("As it was given, blanks trimmed."))
    key = models.CharField(max_length=320, help_text="`address_key(address)`: what makes two addresses the same.")
    is_valid = models.BooleanField(_("valid"), help_text=_("Whether mail can be addressed to it at all."))
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    receives = models.ManyToManyField(
        BroadcastType, through="ContactType", related_name="+", verbose_name=_("receives")
    )

    class Meta:
        ordering = ["person_id", "position", "pk"]
        verbose_name_plural = _("email addresses")
        constraints = [
            models.UniqueConstraint(fields=["person", "key"], name="an_address_once_per_person"),
        ]
        indexes = [
            models.Index(fields=["key"], name="address_by_key"),  # unsubscribing reaches all who share it
        ]

    def __str__(self) -> str:
        return self.address


class ContactType(models.Model):
    """Whether an address receives a broadcast type, and whose choice that was.

    A family's own choice stays: no upload and no member of staff overwrites it by accident.
    """

    class ChosenBy(models.TextChoices):
        UPLOAD = "upload", _("an upload")
        STAFF = "staff", _("staff")
        FAMILY = "family", _("the family")

    address = models.ForeignKey(EmailAddress, models.CASCADE, related_name="contact_types")
    broadcast_type = models.ForeignKey(BroadcastType, models.CASCADE, related_name="contact_types")
    receives = models.BooleanField(_("receives"), default=True)
    chosen_by = models.CharField(_("chosen by"), max_length=10, choices=ChosenBy, default=ChosenBy.UPLOAD)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["address", "broadcast_type"], name="a_type_once_per_address"),
        ]

    def __str__(self) -> str:
        return f"{self.address}: {self.broadcast_type}"


class FamilyChoice(models.Model):
    """What a family chose for an address: it outlasts the address, which an upload may take away and bring back."""

    school = models.ForeignKey(School, models.CASCADE, related_name="+", db_index=False)
    address_key = models.CharField(max_length=320)
    broadcast_type = models.ForeignKey(BroadcastType, models.CASCADE, related_name="+")
    receives = models.BooleanField(_("receives"))
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["school", "address_key", "broadcast_type"], name="a_family_chooses_once_per_type"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address_key}: {self.broadcast_type}"


class List(models.Model):
    """Who gets a broadcast: a static list of people."""

    school = models.ForeignKey(School, models.PROTECT, related_name="lists", verbose_name=_("school"))
    name = models.CharField(_("name"), max_length=200)
    created_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    people = models.ManyToManyField(Person, through="ListMember", related_name="lists", verbose_name=_("people"))

    objects = SchoolQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["school", "name"], name="list_names_differ_in_a_school")]

    def __str__(self) -> str:
        return self.name


class ListMember(models.Model):
    list = models.ForeignKey(List, models.CASCADE, related_name="members", db_index=False)
    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["list", "person"], name="a_person_once_per_list")]

    def __str__(self) -> str:
        return f"{self.list}: {self.person}"


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
