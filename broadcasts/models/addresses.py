"""Email addresses, which broadcast types each receives, and whose choice that was."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from broadcasts.models.broadcasts import BroadcastType
from broadcasts.models.people import Person
from broadcasts.models.schools import School


class EmailAddress(models.Model):
    """One address of one person. Two people may have the same one: that is what Duplicate is about."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="addresses", verbose_name=_("person"))
    address = models.CharField(_("address"), max_length=320, help_text=_("As it was given, blanks trimmed."))
    key = models.CharField(max_length=320, help_text="`address_key(address)`: what makes two addresses the same.")
    is_valid = models.BooleanField(_("valid"), help_text=_("Whether mail can be addressed to it at all."))
    is_active = models.BooleanField(
        _("in use"),
        default=True,
        db_default=True,
        help_text="Not any more: kept for the log, for undo, and its types.",
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    by_hand = models.BooleanField(
        default=False, db_default=False, help_text="Added or corrected here: no import takes it away."
    )
    replaced_by = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        related_name="replaces",
        help_text="Corrected to this one; a file that still has the old one does not bring it back.",
    )
    confirmed_at = models.DateTimeField(null=True, help_text="When staff last said that the address is right.")
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


class ContactTypeQuerySet(models.QuerySet["ContactType"]):
    """What really comes to an address: a type that is no family's choice also where the family switched it off."""

    def coming(self) -> Self:
        no_choice = BroadcastType.objects.filter(Q(is_emergency=True) | Q(is_required=True)).order_by()
        against_their_will = Q(chosen_by=ContactType.ChosenBy.FAMILY, broadcast_type__in=no_choice.values("pk"))
        return self.filter(Q(receives=True) | against_their_will)

    def coming_of(self, kind: BroadcastType | None) -> Self:
        """The same of one type, in a condition that costs nothing."""
        wanted = Q(receives=True)
        if kind and not kind.is_families_choice:
            wanted |= Q(chosen_by=ContactType.ChosenBy.FAMILY)
        return self.filter(wanted, broadcast_type=kind)


class ContactType(models.Model):
    """Whether an address receives a broadcast type, and whose choice that was.

    A family's own choice stays: no upload and no member of staff overwrites it by accident.
    """

    class ChosenBy(models.TextChoices):
        UPLOAD = "upload", _("a file")
        STAFF = "staff", _("staff")
        FAMILY = "family", _("the family")

    address = models.ForeignKey(EmailAddress, models.CASCADE, related_name="contact_types")
    broadcast_type = models.ForeignKey(BroadcastType, models.CASCADE, related_name="contact_types")
    receives = models.BooleanField(_("receives"), default=True)
    chosen_by = models.CharField(_("chosen by"), max_length=10, choices=ChosenBy, default=ChosenBy.UPLOAD)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = ContactTypeQuerySet.as_manager()

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


class ContactTypeChange(models.Model):
    """What became different about an address's types, when, and who did it. Never changed afterwards."""

    address = models.ForeignKey(EmailAddress, models.CASCADE, related_name="type_changes")
    broadcast_type = models.ForeignKey(BroadcastType, models.CASCADE, related_name="+")
    receives = models.BooleanField(_("receives"))
    chosen_by = models.CharField(_("chosen by"), max_length=10, choices=ContactType.ChosenBy)
    changed_by = models.ForeignKey("User", models.SET_NULL, null=True, related_name="+", verbose_name=_("who"))
    at = models.DateTimeField(_("when"))

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.address}: {self.broadcast_type}"
