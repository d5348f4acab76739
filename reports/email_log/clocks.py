"""Moments on a school's clock as PostgreSQL writes them, like `broadcasts.table_files` does in Python."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

DAY, MOST_DAYS = timedelta(days=1), 60
WORDS, ISO = '\\"Mon FMDD, YYYY FMHH12:MI am\\"', 'YYYY-MM-DD"T"HH24:MI:SS'


@dataclass(frozen=True)
class Steady:
    """As long as a clock is not put forward or back, its hour is that of UTC and a constant: a third of the work."""

    first: datetime
    end: datetime
    ahead: timedelta  # of UTC

    @classmethod
    def since(cls, moment: datetime, zone: str) -> "Steady":
        """From this moment on. No zone has ever changed and changed back within a day."""
        here = moment.astimezone(ZoneInfo(zone))
        end, ahead = moment, here.utcoffset() or timedelta()
        while end < moment + MOST_DAYS * DAY and (end + DAY).astimezone(here.tzinfo).utcoffset() == ahead:
            end += DAY
        return cls(moment, end, ahead)

    def includes(self, column: str) -> str:
        return (
            f"{column} >= TIMESTAMPTZ '{self.first.isoformat()}' AND {column} < TIMESTAMPTZ '{self.end.isoformat()}'"
        )

    @property
    def interval(self) -> str:
        return f"INTERVAL '{self.ahead // timedelta(seconds=1)} seconds'"

    @property
    def offset(self) -> str:
        """As ISO 8601 writes it."""
        return self.first.astimezone(timezone(self.ahead)).isoformat(timespec="seconds")[19:]


@dataclass(frozen=True)
class Clock:
    """`zone` is an expression: a name in quotes, or a column."""

    zone: str
    steady: Steady | None = None

    def in_words(self, column: str) -> str:
        return self._written(column, WORDS, f"to_char({column} AT TIME ZONE {self.zone}, '{WORDS}')")

    def iso(self, column: str) -> str:
        local, utc = f"({column} AT TIME ZONE {self.zone})", f"({column} AT TIME ZONE 'UTC')"
        behind, ahead = f"to_char({utc} - {local}, '-HH24:MI')", f"to_char({local} - {utc}, '+HH24:MI')"
        anywhen = f"to_char({local}, '{ISO}') || CASE WHEN {local} < {utc} THEN {behind} ELSE {ahead} END"
        return self._written(column, f'{ISO}"{self.steady.offset}"' if self.steady else "", anywhen)

    def _written(self, column: str, form: str, anywhen: str) -> str:
        if self.steady is None:
            return anywhen
        steady = f"to_char({column} AT TIME ZONE {self.steady.interval}, '{form}')"
        return f"CASE WHEN {self.steady.includes(column)} THEN {steady} ELSE {anywhen} END"
