"""What became of the emails by language, school, grade and mail provider."""

from collections.abc import Mapping
from typing import Any

from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import StrIndex, Substr
from django.utils.translation import gettext as _

from broadcasts.forgetting.groups import Counts, count_grades, count_rows, count_schools, merge_counts
from broadcasts.models import Broadcast, Delivery, School
from broadcasts.templatetags.messenger import language_name
from reports.rates import Rates

MOST_LINES = 12


def count_groups(broadcast: Broadcast) -> list[dict[str, Any]]:
    """One table for each way of dividing the rows; each with its lines, the largest first."""
    rows = broadcast.deliveries.order_by()
    languages = count_rows(rows, "language")
    named = {language_name(code): codes for code, codes in languages.items()}
    return [
        _table(_("By language"), "", named),
        _table(_("By school"), _("The home school of each person."), _schools(broadcast)),
        _table(
            _("By grade"),
            _("Guardians count in the grade of each of their students, so these may add up to more than everybody."),
            count_grades(broadcast),
            by_name=True,
        ),
        _table(_("By mail provider"), _("The part of the address after the @."), _providers(rows)),
    ]


def _schools(broadcast: Broadcast) -> Counts:
    """By their keys, which are counted twice as fast as names."""
    names = dict(School.objects.values_list("pk", "name"))
    return merge_counts({names.get(pk, ""): codes} for pk, codes in count_schools(broadcast).items())


def _providers(rows: QuerySet[Delivery]) -> Counts:
    after_the_at = Substr(
        F("address_key"), StrIndex(F("address_key"), Value("@")) + Value(1), output_field=CharField()
    )
    return count_rows(rows.exclude(address_key=""), "provider", provider=after_the_at)


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
