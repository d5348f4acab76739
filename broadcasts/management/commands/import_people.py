import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError

from broadcasts.models import Import, School, StagedPerson
from broadcasts.people.columns import UnreadableFile
from broadcasts.people.importing.discarding import discard_import
from broadcasts.people.importing.matching import preview
from broadcasts.people.importing.merging import (
    CannotImport,
    confirm_import,
    merge_import,
    missing_count,
    needs_typed_number,
)
from broadcasts.people.importing.oneroster.package import is_delta
from broadcasts.people.importing.opening import detect_format, open_source
from broadcasts.people.importing.staging import refuse_import, stage_import

BAD_INPUT, SOME_REJECTED = 2, 3
MOST_ROWS_SHOWN = 20
LINES = {
    "new": "New",
    "changed": "Changed",
    "unchanged": "Unchanged",
    "missing": "Missing from the file",
    "deactivated": "Made inactive",
    "rejected": "Rejected",
    "left": "Left, says the file",
    "returned": "Active again",
    "moved": "Moved to another school",
    "addresses_new": "Addresses: new",
    "addresses_back": "Addresses: in use again",
    "addresses_gone": "Addresses: gone",
    "addresses_corrected": "Addresses: not used again",
    "types": "Types of addresses: changed",
    "guardians_new": "Guardians: new",
    "guardians_changed": "Guardians: changed",
    "guardians_gone": "Guardians: gone",
    "guardians_unknown": "Guardians: unknown",
}


class Command(BaseCommand):
    help = (
        "Import people from a file of the student information system. "
        "Exit status: 0 stored (or checked), 2 bad input or refused, 3 some rows rejected and the rest stored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV, XLSX, or a OneRoster zip")
        parser.add_argument("--school", metavar="SLUG", help="whose people; not for a file of the whole district")
        parser.add_argument("--check", action="store_true", help="show what would change and store nothing")
        parser.add_argument(
            "--changes-only",
            action="store_true",
            help="nobody is missing from this file; of a OneRoster delta that is known",
        )
        parser.add_argument("--deactivate-missing", action="store_true", help="whom the file does not name has left")
        parser.add_argument(
            "--accept-missing",
            type=int,
            metavar="N",
            help="needed when more than 20 %% are missing: how many exactly",
        )
        parser.add_argument(
            "--column", action="append", default=[], metavar="HEADING=MEANING", help="what a column means; repeatable"
        )
        parser.add_argument("--json", action="store_true", help="end with one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        self.columns = dict(read_column(text) for text in options["column"])
        import_ = make_import(options)
        self.stage(import_)
        if options["check"]:
            self.show(import_, options)
            discard_import(import_, None)
            return
        self.confirm(import_, options)
        merge_import(import_.pk)
        import_.refresh_from_db()
        if import_.status != Import.Status.DONE:
            raise refused(import_.problem or "Another worker has taken this import; look at its page.")
        self.show(import_, options)
        if import_.summary["rejected"]:
            raise CommandError("Some rows were rejected; the rest is stored.", returncode=SOME_REJECTED)

    def stage(self, import_: Import) -> None:
        try:
            choose_columns(import_, self.columns)
            stage_import(import_.pk, open_source(import_))
        except UnreadableFile as error:
            refuse_import(import_.pk, str(error))
        import_.refresh_from_db()
        if import_.status != Import.Status.CHECKED:
            self.show_rejected(import_)
            discard_import(import_, None)
            raise refused(import_.problem)

    def confirm(self, import_: Import, options: dict[str, Any]) -> None:
        typed, wants = options["accept_missing"], options["deactivate_missing"]
        missing = missing_count(import_)
        if wants and needs_typed_number(import_) and typed != missing:
            self.refuse(
                import_, f"{missing} people are missing from the file. If that is right: --accept-missing {missing}"
            )
        try:
            confirm_import(import_, None, deactivate_missing=wants, missing_typed=typed)
        except CannotImport as error:
            self.refuse(import_, str(error))

    def refuse(self, import_: Import, reason: str) -> None:
        discard_import(import_, None)
        raise refused(f"{reason} Nothing was stored.")

    def show(self, import_: Import, options: dict[str, Any]) -> None:
        self.stdout.write("Nothing was stored. This would be:" if options["check"] else f"Import {import_.pk}")
        for key, words in LINES.items():
            if key in import_.summary:
                self.stdout.write(f"{words:<30}{import_.summary[key]:>10,}")
        for warning in import_.warnings:
            examples = ", ".join(warning["examples"])
            self.stdout.write(f"Warning: {warning['count']:,} {warning['kind']}{f': {examples}' if examples else ''}")
        self.show_rejected(import_)
        if options["json"]:
            told = {"import": import_.pk, "status": import_.status, "counts": import_.summary}
            self.stdout.write(json.dumps(told | {"warnings": import_.warnings}))

    def show_rejected(self, import_: Import) -> None:
        rejected = StagedPerson.objects.filter(of_import=import_, action=StagedPerson.Action.REJECTED)
        for one in rejected.order_by("number", "pk")[:MOST_ROWS_SHOWN]:
            self.stderr.write(f"{one.file + ', ' if one.file else ''}row {one.number}: {one.reason}")


def make_import(options: dict[str, Any]) -> Import:
    file: Path = options["file"]
    try:
        with file.open("rb") as content:
            format_ = detect_format(content, file.name)
            school = find_school(options["school"], format_)
            holds_changes = options["changes_only"] or (format_ == Import.Format.ONEROSTER and is_delta(content))
            content.seek(0)
            return Import.objects.create(
                school=school,
                format=format_,
                is_complete=not holds_changes,
                file=File(content, file.name),
                file_name=file.name,
            )
    except OSError as error:
        raise refused(f"{file}: {error.strerror}.") from error
    except UnreadableFile as error:
        raise refused(f"{file}: {error}") from error


def refused(reason: str) -> CommandError:
    return CommandError(reason, returncode=BAD_INPUT)


def choose_columns(import_: Import, given: dict[str, str]) -> None:
    """What is given beside what we guess, as on the page. Raises UnreadableFile."""
    if not given:
        return
    seen = preview(import_)
    if unknown := [heading for heading in given if heading not in seen.headings]:
        raise UnreadableFile(f"The file has no column “{unknown[0]}”. Its columns: {', '.join(seen.headings)}.")
    # What is given to one column is not guessed for another.
    guessed = {heading: "" if meaning in given.values() else meaning for heading, meaning in seen.guessed.items()}
    import_.columns = guessed | given
    import_.save(update_fields=["columns"])


def read_column(text: str) -> tuple[str, str]:
    heading, is_pair, meaning = text.rpartition("=")
    if not is_pair:
        raise refused(f"“{text}” is not HEADING=MEANING.")
    return heading, meaning


def find_school(slug: str | None, format_: Import.Format) -> School | None:
    """None: the whole district, for a OneRoster file."""
    if slug is None and format_ == Import.Format.ONEROSTER:
        return None
    schools = list(School.objects.filter(slug=slug) if slug else School.objects.all())
    if len(schools) == 1:
        return schools[0]
    known = ", ".join(School.objects.values_list("slug", flat=True)) or "none"
    raise refused(f"{'There is no such school' if slug else 'Say which --school'}. Schools: {known}.")
