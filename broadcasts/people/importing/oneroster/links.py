"""Who is whose guardian: agentSourcedIds of either row, taken together and told apart by role."""

from collections.abc import Callable, Iterator, Mapping

from django.utils.translation import gettext as _

from broadcasts.people.importing.oneroster.metadata import NO_RELATION, Relation
from broadcasts.people.importing.oneroster.roles import Facts
from broadcasts.people.importing.rows import GuardianRow, Warnings

Pair = tuple[str, str]


class Links:
    def __init__(self) -> None:
        self._stated: dict[Pair, int] = {}  # the row's own id and its agent's → the row's number
        self.relations: dict[str, Relation] = {}

    def state(self, own: str, agent: str, number: int) -> None:
        self._stated.setdefault((own, agent), number)

    def agents(self) -> set[str]:
        return {agent for _own, agent in self._stated}

    def resolve(self, facts_of: Callable[[str], Facts | None], warnings: Warnings) -> dict[Pair, int]:
        """Student and guardian → row. An agent who is a teacher is nobody's guardian."""
        pairs: dict[Pair, int] = {}
        for (own, agent), number in self._stated.items():
            one, other = facts_of(own), facts_of(agent)
            if own == agent or one is None:
                continue
            if other is None:
                warnings.add(_("An agent is named whom nobody knows"), f"users.csv: “{agent[:60]}”")
                continue
            if one.is_student and other.is_guardian:
                pairs.setdefault((own, agent), number)
            elif one.is_guardian and other.is_student:
                pairs.setdefault((agent, own), number)
            else:
                warnings.add(
                    _("An agent is no guardian, or not of a student, and is left out"),
                    _("row %(number)d of users.csv: “%(agent)s”") % {"number": number, "agent": agent[:60]},
                )
        return pairs

    def rows(self, pairs: Mapping[Pair, int]) -> Iterator[GuardianRow]:
        for (student, guardian), number in pairs.items():
            yield GuardianRow(student, guardian, number, *self.relations.get(guardian, NO_RELATION))
