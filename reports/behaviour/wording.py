"""The report in words: its tables, and in one sentence each what is read most and least."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from urllib.parse import urlencode

from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import date as format_date
from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.behaviour.reading import Reading, Sums

# The best of many differs from the worst by chance more often than two alone do: three standard errors, not two.
ERRORS = 3


@dataclass(frozen=True)
class Line:
    label: str
    sums: Sums
    url: str = ""

    @property
    def share(self) -> str:
        return in_percent(self.sums)


@dataclass(frozen=True)
class Column:
    """Of the chart month by month, in the units of its drawing: 100 % are 120 of them, above 144."""

    line: Line
    number: int

    @property
    def left(self) -> int:
        return 20 + 64 * self.number

    @property
    def middle(self) -> int:
        return self.left + 18

    @property
    def height(self) -> int:
        return self.line.sums.percent * 6 // 5

    @property
    def top(self) -> int:
        return 144 - self.height

    @property
    def automatic_height(self) -> int:
        return self.line.sums.automatic_percent * 6 // 5

    @property
    def automatic_top(self) -> int:
        return self.top - self.automatic_height


@dataclass(frozen=True)
class Table:
    slug: str
    title: str
    heading: str
    lines: Sequence[Line]
    sentence: str
    is_trend: bool = False

    @property
    def columns(self) -> list[Column]:
        return [Column(line, number) for number, line in enumerate(self.lines)]

    @property
    def chart_width(self) -> int:
        return 64 * len(self.lines) + 16


def in_percent(sums: Sums) -> str:
    if sums.opened and not sums.percent:
        return _("under 1%")
    return f"{sums.percent}%"


def tables(reading: Reading) -> list[Table]:
    """What has no order of its own stands with what is read most first."""
    several = reading.has_several_schools
    made = [
        _compared("types", _("By type"), _("Type"), most_first(_types(reading))),
        _compared("schools", _("By school"), _("School"), most_first(_lines(reading.by_school))) if several else None,
        _compared("senders", _("By sender"), _("Sender"), most_first(_lines(reading.by_sender))),
        _compared("weekdays", _("By day of the week"), _("Day"), _weekdays(reading)),
        _compared("hours", _("By hour of sending"), _("Sent between"), _hours(reading)),
        _trend(_months(reading)),
    ]
    return [table for table in made if table]


def _types(reading: Reading) -> list[Line]:
    """Each opens its rows in the Email Log, where the log can be asked for the same ones."""
    days = {"date_from": reading.period.first.isoformat(), "date_to": reading.period.last.isoformat()}
    log = reverse("reports:email-log")
    return [
        Line(str(kind), sums, "" if reading.school else f"{log}?{urlencode({'type': kind.slug, **days})}")
        for kind, sums in reading.by_type
    ]


def _lines(named: Iterable[tuple[object, Sums]]) -> list[Line]:
    return [Line(str(thing), sums) for thing, sums in named]


def _weekdays(reading: Reading) -> list[Line]:
    return [Line(str(WEEKDAYS[number]), sums) for number, sums in reading.by_weekday]


def _hours(reading: Reading) -> list[Line]:
    return [Line(_hour(hour), sums) for hour, sums in reading.by_hour]


def _hour(hour: int) -> str:
    return _("%(from)s to %(to)s") % {"from": _clock(hour), "to": _clock((hour + 1) % 24)}


def _clock(hour: int) -> str:
    return f"{hour % 12 or 12} {'am' if hour < 12 else 'pm'}"


def _months(reading: Reading) -> list[Line]:
    return [Line(format_date(date(*month, 1), "M Y"), sums) for month, sums in reading.by_month]


def _compared(slug: str, title: str, heading: str, lines: list[Line]) -> Table:
    return Table(slug, title, heading, lines, compare(lines))


def _trend(lines: list[Line]) -> Table:
    known = [line for line in lines if line.sums.is_enough]
    words = ""
    if len(known) > 1:
        words = _("From %(before)s in %(first)s to %(now)s in %(last)s.") % {
            "before": known[0].share,
            "first": known[0].label,
            "now": known[-1].share,
            "last": known[-1].label,
        }
    return Table("months", _("Month by month"), _("Month"), lines, words, is_trend=True)


def most_first(lines: Sequence[Line]) -> list[Line]:
    """Those with too few emails last."""
    return sorted(lines, key=lambda line: (not line.sums.is_enough, -line.sums.rate if line.sums.is_enough else 0))


def compare(lines: Sequence[Line]) -> str:
    """Which is read most and which least, where the figures can tell."""
    known = [line for line in most_first(lines) if line.sums.is_enough]
    if len(lines) < 2:
        return ""
    if len(known) < 2:
        return _("Too few emails to compare.")
    best, worst = known[0], known[-1]
    values = {"best": _with_number(best), "worst": _with_number(worst)}
    if not differ(best.sums, worst.sums):
        return _("No clear difference: most is %(best)s, least %(worst)s, which may be chance.") % values
    return _("Read most: %(best)s. Read least: %(worst)s.") % values


def _with_number(line: Line) -> str:
    words = ngettext("%(label)s (%(share)s of %(emails)s email)", "%(label)s (%(share)s of %(emails)s emails)",
                     line.sums.emails)  # fmt: skip
    return words % {"label": line.label, "share": line.share, "emails": intcomma(line.sums.emails)}


def differ(one: Sums, other: Sums) -> bool:
    """Whether two rates are further apart than chance would easily put them."""
    together = (one.opened + other.opened) / (one.emails + other.emails)
    error = sqrt(together * (1 - together) * (1 / one.emails + 1 / other.emails))
    return one.rate - other.rate > ERRORS * error
