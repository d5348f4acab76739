"""How many people are on a list, where many lists are shown: at once where that is cheap, else a moment later."""

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from broadcasts.models import List
from broadcasts.people.lists.definitions import load_definitions
from broadcasts.people.lists.resolving import count_people, people_of
from broadcasts.people.lists.words import people_in_words


def size_of(one: List) -> int | None:
    """Of a list from `List.objects.with_sizes()`. None: the database has to look for its people."""
    is_members_only = not (one.is_by_rules or getattr(one, "has_parts", True) or one.target != List.Target.CONTACTS)
    return int(getattr(one, "active_members", 0)) if is_members_only else None


def count_list(one: List) -> int:
    """Everybody on it, also those who are held back: each is a recipient of a broadcast to it."""
    return count_people(people_of(load_definitions([one.pk])[one.pk])).all


def size_in_words(one: List) -> SafeString | str:
    size = size_of(one)
    return people_in_words(size) if size is not None else later(one)


def later(one: List) -> SafeString:
    """The kind of list, until htmx has fetched the number."""
    return format_html(
        '<span hx-get="{}" hx-trigger="revealed">{}</span>',
        reverse("broadcasts:list-size", args=[one.pk]),
        _("by rules") if one.is_by_rules else _("static"),
    )
