"""Changing what a list says, on record."""

from collections.abc import Iterator

from django.db import transaction
from django.utils.translation import gettext as _

from broadcasts import audit
from broadcasts.models import Guardianship, List, ListPart, ListRule, School, User
from broadcasts.people.lists.circles import explain_circle, name_for
from broadcasts.people.lists.definitions import Definition, Rule, load_definitions
from broadcasts.people.lists.words import explain_rule


class CannotSave(Exception):
    """With the reason in plain words. Nothing has changed."""


@transaction.atomic
def save_list(found: List, name: str, wanted: Definition, by: User) -> None:
    """Make or change the list. Its members are another matter (membership.py)."""
    # Two lists that are put into each other in one moment: the second one waits, and sees the first.
    School.objects.select_for_update().filter(pk=found.school_id).first()
    if reason := explain_circle(found, wanted.parts):
        raise CannotSave(reason)
    is_new = found.pk is None
    before, old_name = (
        (Definition(found.school_id), name) if is_new else (load_definitions([found.pk])[found.pk], found.name)
    )
    found.name, found.target = name, wanted.target
    found.guardian_categories, found.is_published = list(wanted.categories), wanted.is_published
    if is_new:
        found.is_by_rules, found.created_by = wanted.is_by_rules, by
        found.save()
    else:
        found.save(update_fields=["name", "target", "guardian_categories", "is_published"])
    _replace_rules(found, before, wanted)
    _replace_parts(found, before, wanted)
    changes = list(_renamed(old_name, name)) + list(_differences(found, before, wanted))
    if is_new:
        audit.record(by, "list.made", found, school=found.school, changes=changes)
    elif changes:
        audit.record(by, "list.changed", found, school=found.school, changes=changes)


def _replace_rules(found: List, before: Definition, wanted: Definition) -> None:
    if before.rules == wanted.rules:
        return
    found.rules.all().delete()
    ListRule.objects.bulk_create(
        ListRule(of_list=found, field=rule.field, is_not=rule.is_not, values=list(rule.values))
        for rule in wanted.rules
    )


def _replace_parts(found: List, before: Definition, wanted: Definition) -> None:
    if (before.included, before.excluded) == (wanted.included, wanted.excluded):
        return
    found.list_parts.all().delete()
    ListPart.objects.bulk_create(
        ListPart(list=found, part_id=number, is_excluded=number in wanted.excluded) for number in wanted.parts
    )


def _renamed(before: str, after: str) -> Iterator[str]:
    if before != after:
        yield _("Name: %(old)s → %(new)s") % {"old": before, "new": after}


def _differences(found: List, before: Definition, after: Definition) -> Iterator[str]:
    """A line for each thing that is different, for the list's history."""
    if before.target != after.target:
        yield _("Written to: %(target)s") % {"target": List.Target(after.target).label}
    if before.categories != after.categories:
        yield _("Guardians: %(categories)s") % {"categories": explain_categories(after.categories)}
    if before.is_published != after.is_published:
        yield _("Published to other schools") if after.is_published else _("Private to the school")
    if before.rules != after.rules:
        yield _("Rules: %(rules)s") % {"rules": "; ".join(_rules_in_words(after.rules)) or _("none, everybody")}
    for words, old, new in (
        (_("Includes: %(lists)s"), before.included, after.included),
        (_("Leaves out: %(lists)s"), before.excluded, after.excluded),
    ):
        if old != new:
            yield words % {"lists": ", ".join(_part_names(found, new)) or _("no other list")}


def explain_categories(categories: tuple[str, ...]) -> str:
    labels = dict(Guardianship.Category.choices)
    return ", ".join(str(labels.get(category, category)) for category in categories) or _("all categories")


def _rules_in_words(rules: tuple[Rule, ...]) -> list[str]:
    names = {str(pk): name for pk, name in School.objects.values_list("pk", "name")}
    return [explain_rule(rule, names) for rule in rules]


def _part_names(found: List, numbers: tuple[int, ...]) -> list[str]:
    lists = List.objects.select_related("school").filter(pk__in=numbers)
    return [name_for(part, found.school) for part in lists]
