"""The rules of a list while they are edited: rows of a form that are added and removed by its buttons."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from django.http import QueryDict
from django.utils.translation import gettext as _

from broadcasts.models import ListRule, School
from broadcasts.people.lists.definitions import Rule
from broadcasts.people.lists.words import Choices, choices_of

MOST_ROWS, MOST_VALUES, LONGEST_VALUE = 20, 200, 100
Field = ListRule.Field


@dataclass
class RuleRow:
    number: int
    field: str
    is_not: bool = False
    values: tuple[str, ...] = ()
    choices: Choices = dataclasses.field(default_factory=list)
    problem: str = ""

    @property
    def label(self) -> str:
        return str(Field(self.field).label)

    @property
    def unoffered(self) -> set[str]:
        return set(self.values) - {value for value, _label in self.choices}

    @property
    def prefix(self) -> str:
        return f"rule-{self.number}"


class RuleRows:
    def __init__(self, rows: Iterable[RuleRow]) -> None:
        self.rows = list(rows)

    @classmethod
    def of_rules(cls, rules: Iterable[Rule]) -> Self:
        return cls(RuleRow(number, rule.field, rule.is_not, rule.values) for number, rule in enumerate(rules, 1))

    @classmethod
    def of_form(cls, data: QueryDict) -> Self:
        """What cannot come from our own page is left out."""
        numbers = [int(number) for number in data.getlist("rule")[:MOST_ROWS] if number.isdecimal()]
        rows = (_read_row(data, number) for number in dict.fromkeys(numbers))
        return cls(row for row in rows if row.field in Field.values)

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(Rule(row.field, row.values, row.is_not) for row in self.rows)

    @property
    def complete(self) -> tuple[Rule, ...]:
        """After `offer`. Those that say something: a row that was just added has nothing ticked yet.

        What is not on offer is not counted either: a form made by hand must not look into another school.
        """
        return tuple(
            rule for row, rule in zip(self.rows, self.rules, strict=True) if row.values and not row.unoffered
        )

    def press(self, action: str, data: QueryDict) -> None:
        """A button of the page was pressed that changes the rows."""
        if action == "add" and len(self.rows) < MOST_ROWS and data.get("add") in Field.values:
            number = max((row.number for row in self.rows), default=0) + 1
            self.rows.append(RuleRow(number, str(data.get("add"))))
        if action.startswith("remove-"):
            self.rows = [row for row in self.rows if str(row.number) != action.removeprefix("remove-")]

    @staticmethod
    def fields(nameable: Iterable[School]) -> Choices:
        """What another rule may be about: of one school, the school is no question."""
        skipped = () if len(list(nameable)) > 1 else (Field.SCHOOL,)
        return [(value, str(label)) for value, label in Field.choices if value not in skipped]

    def offer(self, own: School, nameable: Iterable[School]) -> None:
        """Gives each row the values there are at the schools that it is about. `nameable`: what may be ticked."""
        schools = list(nameable)
        named = {value for row in self.rows if row.field == Field.SCHOOL and not row.is_not for value in row.values}
        people_of = [school for school in schools if str(school.pk) in named] or [own]
        for row in self.rows:
            row.choices = choices_of(row.field, schools if row.field == Field.SCHOOL else people_of, row.values)

    def is_valid(self) -> bool:
        """After `offer`: notes beside each row what is wrong with it."""
        for row in self.rows:
            if not row.values:
                row.problem = _("Tick at least one, or remove the rule.")
            elif row.unoffered:
                row.problem = _("One of the values is not on offer. Tick again.")
        return not any(row.problem for row in self.rows)


def _read_row(data: QueryDict, number: int) -> RuleRow:
    values = data.getlist(f"rule-{number}-values")[:MOST_VALUES]
    short = dict.fromkeys(value.replace("\0", "")[:LONGEST_VALUE] for value in values)
    is_not = data.get(f"rule-{number}-is") == "not"
    return RuleRow(number, data.get(f"rule-{number}-field", ""), is_not, tuple(short))
