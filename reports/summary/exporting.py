"""The Broadcast Summary as a file: the page's columns, and what a spreadsheet needs besides."""

from collections.abc import Iterator

from django.db.models import QuerySet

from broadcasts.models import Broadcast
from broadcasts.results import LABELS
from broadcasts.table_files import Row, TableFile, iso, on_clock
from reports.explanations import slug_of
from reports.rates import Share

HEADER = (
    *("Broadcast", "Type", "School", "Started", "Status", "Rows", "Delivered, %", "Opened, %", *LABELS),
    *("Started (ISO)", "Finished (ISO)", "Broadcast Number", "Sent By", "Tried", "Delivered Or Opened"),
)


def summary_file(broadcasts: QuerySet[Broadcast]) -> TableFile:
    """In the query's order, times on the clock of each broadcast's school."""
    return TableFile("broadcast-summary", "Broadcast Summary", HEADER, _rows(broadcasts))


def _rows(broadcasts: QuerySet[Broadcast]) -> Iterator[Row]:
    for broadcast in broadcasts.iterator(chunk_size=500):
        yield _row(broadcast)


def _row(broadcast: Broadcast) -> Row:
    zone = broadcast.school.time_zone
    sent, finished = on_clock(broadcast.send_at, zone), on_clock(broadcast.finished_at, zone)
    kind, who = broadcast.broadcast_type, broadcast.sent_by
    counted = {name: getattr(broadcast, name) for name in ("recipients", "tried", "arrived", "opened")}
    return (
        *(str(broadcast), kind.name if kind else "", broadcast.school.name, sent, broadcast.get_status_display()),
        *(counted["recipients"], _share(counted["arrived"], counted["tried"])),
        _share(counted["opened"], counted["tried"]),
        *(getattr(broadcast, slug_of(label).replace("-", "_")) for label in LABELS),
        *(iso(sent), iso(finished), broadcast.pk, who.display_name if who else ""),
        *(counted["tried"], counted["arrived"]),
    )


def _share(count: int, of: int) -> int | str | None:
    """The page's own number; `<1` and `>99` stay words."""
    if not of:
        return None
    percent = Share(count, of).percent
    return int(percent) if percent.isdecimal() else percent
