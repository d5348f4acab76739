"""A line of the export as an expression for PostgreSQL, guard and all.

`exporting.Export.rows` says the same in Python. The tests compare both byte by byte.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from broadcasts.csv_guard import are_harmless_in_postgresql, csv_field, field_in_postgresql
from broadcasts.models import Broadcast
from broadcasts.results import LABELS
from reports.email_log.clocks import Clock, Steady

OF_ROW = ("name", "email", "attempts", "last_attempt_at", "result", "broadcast_id", "pk", "language", "note")
MORE_OF_ROW = ("duplicate_of_id", "doubt", "late_bounce_at", "late_bounce_reason")
OF_BROADCAST = {
    "broadcast_name": "broadcast__name",
    "type_name": "broadcast__broadcast_type__name",
    "school_name": "broadcast__school__name",
    "zone": "broadcast__school__time_zone",
}
NAMES_OF_BROADCAST = ("broadcast_name", "type_name", "school_name")
NAMES = (*OF_ROW, *MORE_OF_ROW)


@dataclass(frozen=True)
class Line:
    """Of columns that are called as above; those of the broadcast only where `broadcast` is not known beforehand."""

    notes: Mapping[str, str]
    broadcast: Broadcast | None
    is_raw: bool

    def sql(self) -> tuple[str, list[Any]]:
        """Of most rows one look at all texts says that they stay as they are: then no cell is looked at."""
        texts = self._texts_of_broadcast()
        as_they_are, guarded = self._joined(lambda column: column), self._joined(self._field)
        plain = are_harmless_in_postgresql(self._own_texts, is_raw=self.is_raw)
        return f"CASE WHEN {plain} THEN {as_they_are} ELSE {guarded} END", [*texts, *texts]

    @property
    def _own_texts(self) -> list[str]:
        own = ["name", "email", "language", "late_bounce_reason"]
        return own if self.broadcast else [*own, *NAMES_OF_BROADCAST]

    def _joined(self, field: Callable[[str], str]) -> str:
        """In the order of the header. `||` costs a third of what `concat` does, and makes nothing of NULL."""
        clock = self._clock()
        cells = [
            *(field("name"), field("email")),
            *(["%s::text"] * 3 if self.broadcast else map(field, NAMES_OF_BROADCAST)),
            *("attempts::text", _or_empty(clock.in_words("last_attempt_at")), _labels()),
            *(_or_empty(clock.iso("last_attempt_at")), "broadcast_id::text", "pk::text", field("language")),
            *(self._note(), _or_empty("duplicate_of_id::text"), _or_empty("doubt")),
            *(_or_empty(clock.iso("late_bounce_at")), field("late_bounce_reason")),
        ]
        return " || ',' || ".join(f"({cell})" for cell in cells) + " || E'\\r\\n'"

    def _texts_of_broadcast(self) -> list[str]:
        if self.broadcast is None:
            return []
        kind = self.broadcast.broadcast_type
        texts = (self.broadcast.name, kind.name if kind else "", self.broadcast.school.name)
        return [csv_field(text, is_raw=self.is_raw) for text in texts]

    def _clock(self) -> Clock:
        if self.broadcast is None:
            return Clock("zone")
        zone, began = self.broadcast.school.time_zone, self.broadcast.prepared_at
        return Clock(_quoted(zone), Steady.since(began, zone) if began else None)

    def _field(self, column: str) -> str:
        return field_in_postgresql(column, is_raw=self.is_raw)

    def _note(self) -> str:
        """Most rows have none, and are done first."""
        words = {_quoted(code): _quoted(csv_field(text)) for code, text in self.notes.items() if code}
        return _chosen("note", {"''": "''", **words}) + " ELSE '' END"


def _or_empty(expression: str) -> str:
    return f"COALESCE({expression}, '')"


def _labels() -> str:
    return (
        _chosen("result", {str(int(code)): f"'{label}'" for label, codes in LABELS.items() for code in codes})
        + " ELSE result::text END"
    )


def _chosen(column: str, words: Mapping[str, str]) -> str:
    return f"CASE {column} " + " ".join(f"WHEN {value} THEN {text}" for value, text in words.items())


def _quoted(text: str) -> str:
    """Our own words: names of time zones, labels, notes."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"
