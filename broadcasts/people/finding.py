"""Finding people of the directory by a part of their name, of an address of theirs, or of their SIS id."""

from django.db.models import Q, QuerySet

from broadcasts.addresses import address_key
from broadcasts.models import EmailAddress, Person, User

# More are taken as one phrase: each word reads the directory once.
MOST_WORDS = 8


def find_people(user: User, text: str) -> QuerySet[Person]:
    """Those this user may see who fit every word; everybody for no word.

    Retired addresses count: families name them.
    """
    people = Person.objects.visible_to(user)
    words = text.replace("\0", "").split()
    for word in words if len(words) <= MOST_WORDS else [" ".join(words)]:
        people = people.filter(_fits(word))
    return people


def _fits(word: str) -> Q:
    by_address = EmailAddress.objects.order_by().filter(key__contains=address_key(word)).values("person")
    fits = Q(sis_id__icontains=word) | Q(pk__in=by_address)
    for spelling in _spellings(word):
        fits |= Q(name__icontains=spelling)
    return fits


def _spellings(word: str) -> set[str]:
    """SQLite knows capital and small letters of ASCII only: Élodie is to be found as élodie too."""
    return {word} if word.isascii() else {word, word.lower(), word.capitalize(), word.upper()}
