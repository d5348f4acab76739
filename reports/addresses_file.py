"""The page “Addresses to fix” as a file: its columns, and what a spreadsheet needs besides."""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from broadcasts.models import Broadcast, EmailAddress
from broadcasts.table_files import Row, TableFile, iso, on_clock
from reports.addresses_to_fix import AddressesToFix, ToFix, runs_of

HEADER = (
    *("Person", "School", "Address", "What happened", "Since", "Missed", "Last broadcast"),
    *("Since (ISO)", "The server's words", "Had counted as received"),
)
TOGETHER = 500


def addresses_file(rows: Sequence[ToFix], source: AddressesToFix) -> TableFile:
    return TableFile("addresses-to-fix", "Addresses to fix", HEADER, _rows(rows, source))


def _rows(rows: Sequence[ToFix], source: AddressesToFix) -> Iterator[Row]:
    """What a row tells is read for some hundred at a time."""
    for start in range(0, len(rows), TOGETHER):
        some = rows[start : start + TOGETHER]
        confirmed = {one.address.pk: one.address.confirmed_at for one in some}
        addresses = EmailAddress.objects.select_related("person__school").in_bulk(list(confirmed))
        runs = runs_of(source.deliveries, confirmed)
        broadcasts = Broadcast.objects.in_bulk([run.last for run in runs.values()])
        for one in some:
            if one.address.pk not in addresses:  # taken out of the directory meanwhile
                continue
            person, run = addresses[one.address.pk].person, runs.get(one.address.pk)
            since = on_clock(run.since, person.school.time_zone) if run else None
            yield (
                *(person.name, person.school.name, one.address.address, str(one.reason.words)),
                since if run else _("never written to"),
                *(run.missed if run else 0, str(broadcasts[run.last]) if run else ""),
                *(iso(since), one.reason.said, "yes" if one.is_late else ""),
            )
