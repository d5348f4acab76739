import json
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from broadcasts.actors import wake
from broadcasts.composing.attaching import attach, make_file, too_large
from broadcasts.composing.drafting import SUBJECT_LENGTH, Draft, save_draft, what_is_missing
from broadcasts.composing.file_types import NotAllowed
from broadcasts.composing.sanitising import removed_parts
from broadcasts.counting import count_broadcast
from broadcasts.delivering.controlling import CannotSend, send_now
from broadcasts.models import Attachment, Broadcast, BroadcastType, Content, School, Sender
from broadcasts.people.applying import CannotConfirm, make_list
from broadcasts.people.planning import Plan, plan_upload
from broadcasts.people.reading import Recipients, UnreadableFile, read_recipients
from broadcasts.preparing.preparing import announce_preparing, prepare_deliveries
from broadcasts.preparing.reach import Reach

BAD_INPUT, NOT_FINISHED = 2, 3
MOST_ROWS_SHOWN = 20
LOOK_AGAIN_SECONDS = 0.5


class Command(BaseCommand):
    help = "Send a broadcast to the recipients of a CSV file. Exit status: 0 prepared, 2 bad input, 3 not finished."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--type", required=True, help="broadcast type, for example General")
        parser.add_argument("--list", required=True, type=Path, metavar="FILE.csv", help="the recipients")
        parser.add_argument("--sender", required=True, help="the From address of one of the senders")
        parser.add_argument("--subject", required=True)
        parser.add_argument("--html", required=True, type=Path, metavar="FILE", help="the message")
        parser.add_argument("--text", type=Path, metavar="FILE", help="plain text; else written from the message")
        parser.add_argument(
            "--attach", action="append", default=[], type=Path, metavar="FILE", help="may be repeated"
        )
        parser.add_argument("--school", metavar="SLUG", help="needed when there are several schools")
        parser.add_argument("--dry-run", action="store_true", help="show who would be reached and store nothing")
        parser.add_argument("--wait", type=float, metavar="SECONDS", help="follow until nothing is Unsent")
        parser.add_argument("--json", action="store_true", help="end with one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        self.options = options
        school = find_school(options["school"])
        draft = Draft(
            broadcast_type=find_type(options["type"]),
            sender=find_sender(options["sender"], school),
            subject=check_subject(options["subject"]),
            body_html=self._read_html(options["html"]),
            body_text=read_text(options["text"]) if options["text"] else "",
        )
        self.files = [read_file(file) for file in options["attach"]]
        recipients = read_list(options["list"])
        plan = plan_upload(school, recipients)
        check_rows(plan)
        for line in moved_addresses(plan)[:MOST_ROWS_SHOWN]:
            self.stderr.write(f"Address changed by this file: {line}")
        if options["dry_run"]:
            self._show(None, self._dry_run(school, draft, recipients))
            return
        broadcast = self._send(school, draft, recipients)
        results = self._follow(broadcast)
        self._show(broadcast, results)
        if options["wait"] is not None and results["Unsent"]:
            raise CommandError("Not everything was handed over in time; sending goes on.", returncode=NOT_FINISHED)

    def _dry_run(self, school: School, draft: Draft, recipients: Recipients) -> dict[str, int]:
        with transaction.atomic():
            broadcast = make_broadcast(school, draft, recipients)
            attach_all(broadcast, self.files)
            counts = Reach(broadcast).counts()
            transaction.set_rollback(True)
        if not counts["Unsent"]:
            self.stderr.write("Nobody on this list can get this email: sending it would be refused.")
        return counts

    def _read_html(self, file: Path) -> str:
        html = read_text(file)
        for part in removed_parts(html):
            self.stderr.write(f"{file}: taken out of the message: {part}")
        return html

    def _send(self, school: School, draft: Draft, recipients: Recipients) -> Broadcast:
        with transaction.atomic():
            broadcast = make_broadcast(school, draft, recipients)
            attach_all(broadcast, self.files)
            try:
                send_now(broadcast, None, undo_seconds=0)
            except CannotSend as error:
                raise refused(str(error)) from error
        announce_preparing(broadcast.pk, timezone.now())
        prepare_deliveries(broadcast.pk)
        wake(broadcast.pk)
        return broadcast

    def _follow(self, broadcast: Broadcast) -> dict[str, int]:
        end = time.monotonic() + (self.options["wait"] or 0)
        with suppress(KeyboardInterrupt):  # whoever stops watching does not stop the sending
            while (results := count_broadcast(broadcast))["Unsent"] and time.monotonic() < end:
                time.sleep(LOOK_AGAIN_SECONDS)
        return results

    def _show(self, broadcast: Broadcast | None, results: dict[str, int]) -> None:
        rows = sum(results.values())
        self.stdout.write(f"Broadcast {broadcast.pk}" if broadcast else "Nothing was stored. This would be written:")
        for label, count in results.items():
            self.stdout.write(f"{label:<20}{count:>10,}")
        self.stdout.write(f"{'Total':<20}{rows:>10,}")
        if self.options["json"]:
            number = broadcast.pk if broadcast else None
            self.stdout.write(json.dumps({"broadcast": number, "rows": rows, "results": results}))


def refused(reason: str) -> CommandError:
    return CommandError(reason, returncode=BAD_INPUT)


def check_subject(subject: str) -> str:
    if len(subject.strip()) > SUBJECT_LENGTH:
        raise refused(f"The subject is longer than {SUBJECT_LENGTH} characters. Make it shorter.")
    if not subject.isprintable():
        raise refused("The subject has a line break or an invisible sign in it. Write it on one line.")
    return subject


def find_school(slug: str | None) -> School:
    schools = list(School.objects.filter(slug=slug) if slug else School.objects.all())
    if len(schools) == 1:
        return schools[0]
    known = ", ".join(School.objects.values_list("slug", flat=True)) or "none; load_sample_school makes one"
    raise refused(f"{'There is no such school' if slug else 'Say which --school'}. Schools: {known}.")


def find_type(name: str) -> BroadcastType:
    found = BroadcastType.objects.filter(Q(name__iexact=name) | Q(slug__iexact=name)).first()
    if found is None:
        known = ", ".join(BroadcastType.objects.filter(is_active=True).values_list("name", flat=True))
        raise refused(f"There is no broadcast type “{name}”. Types: {known or 'none'}.")
    return found


def find_sender(address: str, school: School) -> Sender:
    """The school's own sender before one that all schools share."""
    usable = Sender.objects.filter(Q(school=school) | Q(school=None), is_active=True)
    found = usable.filter(address__iexact=address.strip()).order_by(F("school").asc(nulls_last=True)).first()
    if found is None:
        known = ", ".join(usable.values_list("address", flat=True))
        raise refused(f"{school} has no sender “{address}”. Senders: {known or 'none'}.")
    return found


def read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise refused(f"{file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise refused(f"{file} is not UTF-8 text.") from error


def read_file(file: Path) -> Attachment:
    try:
        if file.stat().st_size > settings.ATTACHMENTS_MAX_BYTES:
            raise too_large(file.name)
        return make_file(file.name, file.read_bytes())
    except OSError as error:
        raise refused(f"{file}: {error.strerror}.") from error
    except NotAllowed as error:
        raise refused(str(error)) from error


def attach_all(broadcast: Broadcast, files: Sequence[Attachment]) -> None:
    for file in files:
        try:
            attach(broadcast, file, None)
        except NotAllowed as error:
            raise refused(str(error)) from error


def read_list(file: Path) -> Recipients:
    try:
        with file.open("rb") as content:
            return read_recipients(content, file.name)
    except OSError as error:
        raise refused(f"{file}: {error.strerror}.") from error
    except UnreadableFile as error:
        raise refused(f"{file}: {error}") from error


def check_rows(plan: Plan) -> None:
    if plan.bad_rows:
        shown = [f"row {row.number}: {row.reason}" for row in plan.bad_rows[:MOST_ROWS_SHOWN]]
        raise refused("\n".join([f"{len(plan.bad_rows)} rows cannot be used; nothing was sent.", *shown]))


def moved_addresses(plan: Plan) -> list[str]:
    """Whose address in the directory this file replaces: it does so for their other lists too."""
    return [
        f"{change.person.name}: {', '.join(old.address for old in change.removed)}"
        f" → {', '.join(new.address for new in change.added) or 'no address'}"
        for change in plan.changed
        if change.removed
    ]


def make_broadcast(school: School, draft: Draft, recipients: Recipients) -> Broadcast:
    """A complete draft to a list of exactly these recipients; inside a transaction."""
    try:
        recipients_list = make_list(school, recipients, recipients.file_name)
    except CannotConfirm as error:
        raise refused(str(error)) from error
    broadcast = Broadcast.objects.create(school=school)
    Content.objects.create(broadcast=broadcast, language=school.language)
    save_draft(
        broadcast,
        replace(draft, lists=[recipients_list]),
        None,
        broadcast.version,
    )
    reasons = what_is_missing(broadcast)
    if reasons:
        raise refused("\n".join(reasons))
    return broadcast
