"""Finding people by what a caller at the office window says: a name, an address, an SIS id."""

from django.db.models import Q, QuerySet

from broadcasts.addresses import address_key
from broadcasts.models import EmailAddress, Person, User


def find_people(user: User, text: str) -> QuerySet[Person]:
    """Whose name or address contains it, or whose SIS id begins with it."""
    by_address = EmailAddress.objects.filter(key__contains=address_key(text), is_active=True).values("person")
    words = Q(name__icontains=text) | Q(sis_id__istartswith=text) | Q(pk__in=by_address)
    return Person.objects.visible_to(user).filter(words)
