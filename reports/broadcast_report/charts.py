"""Opens over time as bars that the template draws, beside a table of the same figures."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

WIDTH, HEIGHT = 720, 180
GAP = 0.25  # of a bar's width


@dataclass(frozen=True)
class Bar:
    words: str  # the time it stands for
    people: int
    machines: int
    x: float
    width: float
    people_y: float
    people_height: float
    machines_y: float
    machines_height: float


@dataclass(frozen=True)
class Chart:
    bars: list[Bar]
    most: int
    ticks: list[tuple[float, str]]  # where on the x axis, and what it says
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(figures: dict[str, Any]) -> Chart:
    """People's opens below, on top of them those of mailboxes by themselves."""
    opens = figures["opens"]
    people, machines = opens["people"], opens["machines"]
    number = len(people)
    most = max(map(sum, zip(people, machines, strict=True)), default=0)
    step = WIDTH / max(number, 7)
    names = [
        name_of(opens["unit"], index, is_last=index == number - 1 and opens["has_later"]) for index in range(number)
    ]
    bars = [
        _bar(name, (one, other), index * step, step, most)
        for index, (name, one, other) in enumerate(zip(names, people, machines, strict=True))
    ]
    every = max(1, -(-number // 8))
    ticks = [(round(index * step, 1), str(index)) for index in range(0, number, every)]
    return Chart(bars, most, ticks)


def name_of(unit: str, index: int, *, is_last: bool) -> str:
    """`index` 0: the first hour or day."""
    if index == 0:
        return _("First hour") if unit == "hour" else _("First day")
    if is_last:
        return _("Later")
    after = ngettext("After %(n)s hour", "After %(n)s hours", index)
    if unit == "day":
        after = ngettext("After %(n)s day", "After %(n)s days", index)
    return after % {"n": index}


def _bar(words: str, counts: tuple[int, int], x: float, step: float, most: int) -> Bar:
    people, machines = (round(count / most * HEIGHT, 1) if most else 0.0 for count in counts)
    return Bar(
        words=words,
        people=counts[0],
        machines=counts[1],
        x=round(x + step * GAP / 2, 1),
        width=round(step * (1 - GAP), 1),
        people_y=round(HEIGHT - people, 1),
        people_height=people,
        machines_y=round(HEIGHT - people - machines, 1),
        machines_height=machines,
    )
