"""The export as PostgreSQL writes it itself: many times as fast as rows through Python."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.utils import timezone

from broadcasts.delivering.doubts import doubtful
from broadcasts.models import Broadcast, Delivery
from reports.email_log.counting import on_every_broadcast
from reports.email_log.lines import NAMES, OF_BROADCAST, Line
from reports.email_log.sorting import Sort
from reports.email_log.streams import TABLE, compiled
from reports.email_log.walking import Walk, broadcasts_in_order
from reports.email_log.wanted import Wanted

LINES_A_CHUNK = 500
BEYOND_ALL = 2**62
ESCAPED = re.compile(rb"\\(.)")
LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"\\": b"\\", b"N": b""}


@dataclass(frozen=True)
class Statement:
    sql: str
    params: list[Any]
    pieces_a_chunk: int  # a piece is a row of its answer
    without: tuple[str, ...] = ("jit",)  # ways of PostgreSQL; compiling takes longer than a broadcast does


def with_doubts(rows: "QuerySet[Delivery]") -> "QuerySet[Delivery]":
    unconfirmed = When(state=Delivery.State.UNCONFIRMED, then=Value("unconfirmed"))
    return rows.annotate(doubt=Case(unconfirmed, When(doubtful(timezone.now()), then=Value("in doubt"))))


def copied_lines(
    wanted: Wanted, sort: Sort, notes: Mapping[str, str], *, is_raw: bool, are_few: bool
) -> Iterator[bytes]:
    line = Line(notes, None, is_raw)
    for statement in _statements(on_every_broadcast(wanted), sort, line, are_few=are_few):
        yield from _answer(statement)


def _answer(statement: Statement) -> Iterator[bytes]:
    """As it comes: PostgreSQL writes the next lines while somebody takes these away."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET LOCAL {way} = off" for way in statement.without))
        with cursor.copy(f"COPY ({statement.sql}) TO STDOUT", statement.params) as copy:
            pieces = iter(copy)
            while chunk := b"".join(islice(pieces, statement.pieces_a_chunk)):
                yield _unescaped(chunk)


def _unescaped(chunk: bytes) -> bytes:
    """COPY's text format writes the ends of our lines in letters; the only real ones are those of its own rows."""
    chunk = chunk.replace(b"\n", b"")
    # Without a backslash of somebody's own, no `\r\n` is half of one and half of an end.
    lines = chunk if rb"\\" in chunk else chunk.replace(rb"\r\n", b"\r\n")
    return ESCAPED.sub(lambda found: LETTERS[found[1]], lines) if b"\\" in lines else lines


def _statements(wanted: Wanted, sort: Sort, line: Line, *, are_few: bool) -> Iterator[Statement]:
    """One for each broadcast where the order goes by broadcasts: nothing has to be sorted or joined then."""
    if are_few or sort.column not in ("", "broadcast", "type", "school"):
        yield _line_by_line(sort.apply(Delivery.objects.filter(wanted.condition())), line)
        return
    named = Broadcast.objects.select_related("school", "broadcast_type")
    for pk in broadcasts_in_order(Walk(wanted, sort, 0, None)):
        # Most rows are met on the way along their numbers: no other index would help.
        own = replace(wanted, broadcasts=[pk], reads_in_order=True)
        rows = Delivery.objects.filter(own.condition())
        yield _in_blocks(rows, replace(line, broadcast=named.get(pk=pk)), falls=sort.is_descending)


def _line_by_line(rows: "QuerySet[Delivery]", line: Line) -> Statement:
    found = with_doubts(rows).values_list(*NAMES, *(F(path) for path in OF_BROADCAST.values()))
    inner, inner_params = compiled(found)
    cells, params = line.sql()
    names = ", ".join((*NAMES, *OF_BROADCAST))
    return Statement(f"SELECT {cells} FROM ({inner}) AS row ({names})", [*params, *inner_params], LINES_A_CHUNK)  # noqa: S608


def _in_blocks(rows: "QuerySet[Delivery]", line: Line, *, falls: bool) -> Statement:
    """Several hundred lines as one text: handing over a row costs both sides more than writing its line does.

    `start` has the number of the row before each block. It is found along the index, so that the blocks are as long
    as they should be however many numbers belong to other broadcasts.
    """
    own = [f'{TABLE}."id" {"<" if falls else ">"} start.pk']
    rows = rows.extra(where=own).order_by("-pk" if falls else "pk")  # noqa: S610 - names of our own
    following, following_params = compiled(rows.values_list("pk")[LINES_A_CHUNK - 1 : LINES_A_CHUNK])
    inner, inner_params = compiled(with_doubts(rows).values_list(*NAMES)[:LINES_A_CHUNK])
    cells, params = line.sql()
    sql = (
        "WITH RECURSIVE start (pk) AS (SELECT %s::bigint"  # noqa: S608 - compiled by Django
        f" UNION ALL SELECT ({following}) FROM start WHERE pk IS NOT NULL)"
        f" SELECT (SELECT string_agg({cells}, '') FROM ({inner}) AS row ({', '.join(NAMES)}))"
        " FROM start WHERE pk IS NOT NULL"
    )
    before_all = BEYOND_ALL if falls else 0
    every = [before_all, *following_params, *params, *inner_params]
    # A planner that expects few rows would read and sort all that are left, for each block anew.
    return Statement(sql, every, 1, without=("jit", "enable_sort"))
