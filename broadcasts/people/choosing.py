"""Writing down what a family chose for an address."""

from collections.abc import Mapping

from django.db import transaction

from broadcasts.models import ContactType, EmailAddress, FamilyChoice, School


@transaction.atomic
def record_family_choice(school: School, address_key: str, choices: Mapping[int, bool]) -> None:
    """`choices`: whether each type, by its key, is to come. Safe to repeat.

    Parents share an address, and a child's row may carry it too: who chooses means all of them. Kept by the
    address itself as well, for the day an upload brings it, or brings it back.
    """
    FamilyChoice.objects.bulk_create(
        [
            FamilyChoice(school=school, address_key=address_key, broadcast_type_id=kind, receives=receives)
            for kind, receives in choices.items()
        ],
        update_conflicts=True,
        unique_fields=["school", "address_key", "broadcast_type"],
        update_fields=["receives", "changed_at"],
    )
    # In the order of their keys: two families' choices at once must not wait for each other.
    addresses = EmailAddress.objects.filter(key=address_key, person__school=school).order_by("pk")
    by = ContactType.ChosenBy.FAMILY
    ContactType.objects.bulk_create(
        [
            ContactType(address=address, broadcast_type_id=kind, receives=receives, chosen_by=by)
            for address in addresses
            for kind, receives in choices.items()
        ],
        update_conflicts=True,
        unique_fields=["address", "broadcast_type"],
        update_fields=["receives", "chosen_by", "changed_at"],
    )
