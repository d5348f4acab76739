"""What the words for a guardian's relation mean, and those for yes and no."""

import re

from broadcasts.models import Guardianship

CATEGORIES = {
    word: category
    for category, words in {
        Guardianship.Category.MOTHER: "mother|mom|mum|mama|mommy|mummy|mutter|madre|mère|stepmother|step mother"
        "|stepmom|step mom|stepmum|birth mother|biological mother|adoptive mother|foster mother",
        Guardianship.Category.FATHER: "father|dad|papa|daddy|vater|padre|père|stepfather|step father|stepdad|step dad"
        "|birth father|biological father|adoptive father|foster father",
        Guardianship.Category.GUARDIAN: "guardian|legal guardian|court appointed guardian|parent|parents"
        "|parent guardian|parent or guardian|step parent|stepparent|foster parent|foster parents|foster|custodian"
        "|caregiver|carer"
        "|caretaker|tutor|tutor legal|host parent|family|primary|primary contact",
        Guardianship.Category.EMERGENCY: "emergency|emergency contact|emergency only|emergency contact only",
        Guardianship.Category.OTHER: "other|relative|grandparent|grandmother|grandfather|grandma|grandpa|abuela"
        "|abuelo|aunt|uncle|sister|brother|sibling|stepsister|stepbrother|cousin|spouse|friend|family friend|neighbor"
        "|neighbour|nanny|babysitter|daycare|day care|childcare|agency|social worker|case worker|caseworker"
        "|other relative|other family|secondary",
    }.items()
    for word in words.split("|")
}
YES = frozenset(["yes", "y", "true", "t", "1", "x", "on", "si", "sí", "oui", "ja", "✓", "✔"])
NO = frozenset(["no", "n", "false", "f", "0", "off", "non", "nein"])
ACTIVE = YES | frozenset(["active", "enrolled", "enabled", "current", "a"])
INACTIVE = NO | frozenset(
    ["inactive", "withdrawn", "disabled", "left", "gone", "graduated", "transferred", "deleted", "i", "w"]
)
NOT_A_WORD = re.compile(r"[\W_]+")


def read_category(text: str) -> str | None:
    """A value of Guardianship.Category; empty for an empty cell; None when we do not know the word."""
    plain = NOT_A_WORD.sub(" ", text.casefold()).strip()
    return CATEGORIES.get(plain) if plain else ""


def read_yes(text: str) -> bool | None:
    """None for an empty cell. Raises ValueError for a word that is neither yes nor no."""
    return _one_of(text, YES, NO)


def read_active(text: str) -> bool | None:
    """As read_yes, with the words for a pupil who has left."""
    return _one_of(text, ACTIVE, INACTIVE)


def _one_of(text: str, yes: frozenset[str], no: frozenset[str]) -> bool | None:
    plain = text.strip().casefold()
    if not plain:
        return None
    if plain in yes or plain in no:
        return plain in yes
    raise ValueError(text)
