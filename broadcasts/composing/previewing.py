"""One real recipient out of the chosen lists, as whom an author looks at the draft."""

from django.db.models import QuerySet

from broadcasts.composing.compiling import Recipient
from broadcasts.composing.merge_fields import FIELDS
from broadcasts.models import Broadcast, ContactType, Person
from broadcasts.people.lists.resolving import people_on


def people_to_preview(broadcast: Broadcast, name: str, limit: int) -> list[Person]:
    """The first people of the lists by name; `name`: only those with this in it."""
    people = _recipients(broadcast).filter(name__icontains=name).order_by("name", "pk")
    return list(people[:limit])


def find_person(broadcast: Broadcast, pk: str) -> Person | None:
    if not pk.isdecimal() or len(pk) > 18:
        return None
    return _recipients(broadcast).filter(pk=int(pk)).first()


def _recipients(broadcast: Broadcast) -> QuerySet[Person]:
    return people_on(broadcast.lists.all(), broadcast.school_id).allowed


def preview_recipient(broadcast: Broadcast, person: Person | None) -> Recipient:
    """The person with the address that would get it; without a person, one made up."""
    if person is None:
        return Recipient(None, str(FIELDS["name"].sample), str(FIELDS["email"].sample), broadcast.school.language)
    addresses = person.addresses.filter(is_active=True)
    coming = ContactType.objects.coming_of(broadcast.broadcast_type)
    address = addresses.filter(pk__in=coming.values("address")).first() or addresses.first()
    return Recipient(None, person.name, address.address if address else "", person.language)
