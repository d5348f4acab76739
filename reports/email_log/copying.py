"""Lines of the export as PostgreSQL writes them itself, guard and all: many times as fast as rows through Python.

`exporting.Export.rows` says the same in Python. The tests compare both byte by byte.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Case, F, QuerySet, Value, When
from django.utils import timezone

from broadcasts.csv_guard import csv_field, field_in_postgresql
from broadcasts.delivering.doubts import doubtful
from broadcasts.models import Broadcast, Delivery
from broadcasts.results import LABELS
from reports.email_log.counting import on_every_broadcast
from reports.email_log.sorting import Sort
from reports.email_log.streams import compiled
from reports.email_log.walking import Walk, broadcasts_in_order
from reports.email_log.wanted import Wanted

ROWS_A_CHUNK = 2_000
OF_ROW = ("name", "email", "attempts", "last_attempt_at", "result", "broadcast_id", "pk", "language", "note")
MORE_OF_ROW = ("duplicate_of_id", "doubt", "late_bounce_at", "late_bounce_reason")
OF_BROADCAST = {
    "broadcast_name": "broadcast__name",
    "type_name": "broadcast__broadcast_type__name",
    "school_name": "broadcast__school__name",
    "zone": "broadcast__school__time_zone",
}
NAMES = (*OF_ROW, *MORE_OF_ROW)
Statement = tuple[str, list[Any]]
# COPY's text format writes these in letters; the ends of lines are the only real ones.
ESCAPED = re.compile(rb"\\(.)")
LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"\\": b"\\"}


def copied_lines(
    wanted: Wanted, sort: Sort, notes: Mapping[str, str], *, is_raw: bool, are_few: bool
) -> Iterator[bytes]:
    wanted = on_every_broadcast(wanted)
    for sql, params in _statements(wanted, sort, notes, is_raw=is_raw, are_few=are_few):
        with connection.cursor() as cursor, cursor.copy(f"COPY ({sql}) TO STDOUT", params) as copy:
            rows = iter(copy)
            while chunk := b"".join(islice(rows, ROWS_A_CHUNK)):
                lines = chunk.replace(b"\n", b"\r\n")
                yield ESCAPED.sub(_unescape, lines) if b"\\" in lines else lines


def _unescape(found: re.Match[bytes]) -> bytes:
    return LETTERS[found[1]]


def _statements(
    wanted: Wanted, sort: Sort, notes: Mapping[str, str], *, is_raw: bool, are_few: bool
) -> Iterator[Statement]:
    """One for each broadcast where the order goes by broadcasts: nothing has to be sorted or joined then."""
    rows = Delivery.objects.filter(wanted.condition())
    if are_few or sort.column not in ("", "broadcast", "type", "school"):
        yield _statement(sort.apply(rows), notes, None, is_raw=is_raw)
        return
    named = Broadcast.objects.select_related("school", "broadcast_type")
    for pk in broadcasts_in_order(Walk(wanted, sort, 0, None)):
        own = rows.filter(broadcast=pk).order_by("-pk" if sort.is_descending else "pk")
        yield _statement(own, notes, named.get(pk=pk), is_raw=is_raw)


def _statement(
    rows: "QuerySet[Delivery]", notes: Mapping[str, str], broadcast: Broadcast | None, *, is_raw: bool
) -> Statement:
    unconfirmed = When(state=Delivery.State.UNCONFIRMED, then=Value("unconfirmed"))
    rows = rows.annotate(doubt=Case(unconfirmed, When(doubtful(timezone.now()), then=Value("in doubt"))))
    joined = {} if broadcast else OF_BROADCAST
    inner, inner_params = compiled(rows.values_list(*NAMES, *(F(path) for path in joined.values())))
    cells, params = _cells(broadcast, notes, is_raw=is_raw)
    names = ", ".join((*NAMES, *joined))
    return f"SELECT concat_ws(',', {', '.join(cells)}) FROM ({inner}) AS row ({names})", [*params, *inner_params]  # noqa: S608


def _cells(broadcast: Broadcast | None, notes: Mapping[str, str], *, is_raw: bool) -> tuple[list[str], list[Any]]:
    """In the order of the header. `concat_ws` leaves out what is NULL, so that nothing is."""
    params: list[Any] = []

    def told(text: str) -> str:
        params.append(text)
        return "%s::text"

    def field(column: str) -> str:
        return field_in_postgresql(column, is_raw=is_raw)

    def of_broadcast() -> list[str]:
        if broadcast is None:
            return [field(name) for name in ("broadcast_name", "type_name", "school_name")]
        kind = broadcast.broadcast_type
        texts = (broadcast.name, kind.name if kind else "", broadcast.school.name)
        return [told(csv_field(text, is_raw=is_raw)) for text in texts]

    zone = "zone" if broadcast is None else _quoted(broadcast.school.time_zone)
    words = "".join(f" WHEN {_quoted(code)} THEN {_quoted(csv_field(text))}" for code, text in notes.items() if code)
    labels = "".join(f" WHEN {int(code)} THEN '{label}'" for label, codes in LABELS.items() for code in codes)
    cells = [
        *(field("name"), field("email"), *of_broadcast(), "attempts"),
        f"COALESCE({_in_words('last_attempt_at', zone)}, '')",
        f"CASE result{labels} END",
        *(f"COALESCE({_iso('last_attempt_at', zone)}, '')", "broadcast_id", "pk", field("language")),
        f"CASE note{words} ELSE '' END",
        *("COALESCE(duplicate_of_id::text, '')", "COALESCE(doubt, '')"),
        f"COALESCE({_iso('late_bounce_at', zone)}, '')",
        field("late_bounce_reason"),
    ]
    return cells, params


def _quoted(text: str) -> str:
    """Our own words: names of time zones, labels, notes."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def _in_words(column: str, zone: str) -> str:
    return f"""'"' || to_char({column} AT TIME ZONE {zone}, 'Mon FMDD, YYYY FMHH12:MI am') || '"'"""


def _iso(column: str, zone: str) -> str:
    local, utc = f"({column} AT TIME ZONE {zone})", f"({column} AT TIME ZONE 'UTC')"
    ahead = f"to_char({local} - {utc}, '+HH24:MI')"
    behind = f"to_char({utc} - {local}, '-HH24:MI')"
    return (
        f"""to_char({local}, 'YYYY-MM-DD"T"HH24:MI:SS') || CASE WHEN {local} < {utc} THEN {behind} ELSE {ahead} END"""
    )
