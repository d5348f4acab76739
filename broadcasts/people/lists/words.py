"""Rules in words, and the values that a rule offers."""

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import get_language_info, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from broadcasts.models import Guardianship, ListRule, Person, School
from broadcasts.people.cells import LANGUAGE_NAMES
from broadcasts.people.lists.definitions import Rule
from broadcasts.people.lists.rules import LAST_RESULTS, NEVER, Has
from broadcasts.results import LABELS

Field = ListRule.Field
Choices = list[tuple[str, str]]

HAS: Mapping[str, Promise] = {
    Has.ADDRESS: gettext_lazy("there is a valid one"),
    Has.NONE: gettext_lazy("there is none"),
    Has.INVALID: gettext_lazy("there are only invalid ones"),
}
_RESULTS = {slugify(label): label for label in LABELS}


def language_name(code: str) -> str:
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return next((name.title() for name, known in LANGUAGE_NAMES.items() if known == code), code)


def choices_of(field: str, schools: Iterable[School], chosen: Iterable[str] = ()) -> Choices:
    """What there is among the people of these schools, and what is chosen already."""
    if field in (Field.GRADE, Field.LANGUAGE):
        return _choices_among_people(field, schools, chosen)
    if field == Field.SCHOOL:
        return [(str(school.pk), school.name) for school in schools]
    fixed: dict[str, Iterable[tuple[str, object]]] = {
        Field.KIND: Person.Kind.choices,
        Field.GUARDIAN: Guardianship.Category.choices,
        Field.ADDRESS: HAS.items(),
        Field.LAST_RESULT: ((slug, _last_result(slug)) for slug in LAST_RESULTS),
    }
    return [(value, str(label)) for value, label in fixed[field]]


def _choices_among_people(field: str, schools: Iterable[School], chosen: Iterable[str]) -> Choices:
    people = Person.objects.filter(school__in=[school.pk for school in schools], is_active=True).order_by()
    values = {value for value in people.values_list(field, flat=True).distinct() if value} | set(chosen)
    if field == Field.GRADE:
        return [(value, value) for value in sorted(values, key=_grade_order)]
    return sorted(((value, language_name(value)) for value in values), key=lambda choice: choice[1])


def _grade_order(grade: str) -> tuple[int, int, str]:
    """K and PK before 1, and 2 before 10."""
    return (1, int(grade), "") if grade.isdecimal() else (0, 0, grade)


def _last_result(slug: str) -> str:
    return _("never written to") if slug == NEVER else _RESULTS.get(slug, slug)


def explain_rule(rule: Rule, schools: Mapping[str, str]) -> str:
    """Like “Grade is 5 or 6”. `schools`: names by number, of those the reader may know."""
    names = [_value_in_words(rule.field, value, schools) for value in rule.values]
    words = _("%(field)s is not %(values)s") if rule.is_not else _("%(field)s is %(values)s")
    if rule.field == Field.ADDRESS:
        words = _("%(field)s: not so that %(values)s") if rule.is_not else _("%(field)s: %(values)s")
    return words % {"field": Field(rule.field).label, "values": _any_of(names)}


def _value_in_words(field: str, value: str, schools: Mapping[str, str]) -> str:
    if field == Field.SCHOOL:
        return schools.get(value, _("another school"))
    if field == Field.LANGUAGE:
        return language_name(value)
    return value if field == Field.GRADE else dict(choices_of(field, ())).get(value, value)


def _any_of(names: list[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return _("%(first)s or %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]}


def people_in_words(number: int) -> str:
    return ngettext("%(number)s person", "%(number)s people", number) % {"number": f"{number:,}"}
