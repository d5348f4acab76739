"""What became of the emails by language, school, grade and mail provider."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import CharField, Count, F, QuerySet, Value
from django.db.models.functions import StrIndex, Substr
from django.utils.translation import gettext as _

from broadcasts.models import Broadcast, Delivery, School
from broadcasts.templatetags.messenger import language_name
from reports.rates import Rates

MOST_LINES = 12
Counts = dict[Any, dict[int, int]]


def count_groups(broadcast: Broadcast) -> list[dict[str, Any]]:
    """One table for each way of dividing the rows; each with its lines, the largest first."""
    rows = broadcast.deliveries.order_by()
    languages = _count(rows, "language")
    named = {language_name(code): codes for code, codes in languages.items()}
    return [
        _table(_("By language"), "", named),
        _table(_("By school"), _("The home school of each person."), _schools(rows)),
        _table(
            _("By grade"),
            _("Guardians count in the grade of each of their students, so these may add up to more than everybody."),
            _grades(rows),
            by_name=True,
        ),
        _table(_("By mail provider"), _("The part of the address after the @."), _providers(rows)),
    ]


def _count(rows: QuerySet[Delivery], key: str, **added: Any) -> Counts:
    found: Counts = defaultdict(dict)
    counted = rows.annotate(**added).values_list(key, "result").annotate(Count("pk"))
    for name, code, count in counted:
        found[name or ""][code] = count
    return found


def _schools(rows: QuerySet[Delivery]) -> Counts:
    """By their keys, which are counted twice as fast as names."""
    names = dict(School.objects.values_list("pk", "name"))
    counts = _count(rows, "person__school")
    return merge_counts({names.get(pk, ""): codes} for pk, codes in counts.items())


def _grades(rows: QuerySet[Delivery]) -> Counts:
    own = _count(rows.exclude(person__grade=""), "person__grade")
    wards = _count(rows.filter(person__grade=""), "person__wards__student__grade")
    return merge_counts([own, wards])


def _providers(rows: QuerySet[Delivery]) -> Counts:
    after_the_at = Substr(
        F("address_key"), StrIndex(F("address_key"), Value("@")) + Value(1), output_field=CharField()
    )
    return _count(rows.exclude(address_key=""), "provider", provider=after_the_at)


def merge_counts(parts: Iterable[Mapping[str, Mapping[int, int]]]) -> Counts:
    merged: Counts = defaultdict(lambda: defaultdict(int))
    for part in parts:
        for name, codes in part.items():
            for code, count in codes.items():
                merged[name][code] += count
    return merged


def _table(title: str, hint: str, counts: Counts, *, by_name: bool = False) -> dict[str, Any]:
    """Groups past the first dozen share a line, so that the lines add up all the same."""
    largest = sorted(counts, key=lambda name: (-sum(counts[name].values()), name))
    shown, others = largest[:MOST_LINES], largest[MOST_LINES:]
    if by_name:
        shown.sort(key=_natural)
    lines = [_line(name or _("Not known"), counts[name]) for name in shown]
    if others:
        together = merge_counts({"": counts[name]} for name in others)[""]
        lines.append(_line(_("%(count)s others") % {"count": len(others)}, together))
    return {"title": title, "hint": hint, "lines": lines}


def _natural(name: str) -> tuple[bool, int, str]:
    """2 before 10, and what is not known at the end."""
    return (not name, int(name) if name.isdecimal() and len(name) < 9 else -1, name)


def _line(name: str, codes: Mapping[int, int]) -> dict[str, Any]:
    rates = Rates(codes)
    return {
        "name": name,
        "recipients": rates.total,
        "tried": rates.tried,
        **{
            what: {"count": share.count, "percent": share.percent, "width": share.width}
            for what, share in (
                ("delivered", rates.delivered),
                ("opened", rates.opened),
                ("came_back", rates.came_back),
            )
        },
    }
