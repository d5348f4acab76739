"""How fast a file is read, and with how much memory: each in a process of its own.

python -m tests.broadcasts.people.importing.reading_speed [people]
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STATUS = Path("/proc/self/status")
CSV_HEADINGS = ("SIS ID", "Name", "Email", "Kind", "Grade", "Language", "Guardian IDs", "Relationship", "Notes")


def measure(path: Path, form: str) -> dict[str, float]:
    """Rows per second, and the most memory in MB, of reading it in a child process."""
    command = [sys.executable, "-m", __name__ if __name__ != "__main__" else __spec__.name, "child", str(path), form]
    environment = {
        **os.environ,
        "MESSENGER_HOME": str(path.parent.parent),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def csv_rows(people: int) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [CSV_HEADINGS]
    for number in range(people):
        is_student = number % 3 == 0
        kind, grade = ("student", str(number % 12 + 1)) if is_student else ("guardian", "")
        guardians = f"P{number + 1}; P{number + 2}" if is_student else ""
        address = f"person{number}@families.example; other{number}@families.example"
        rows.append(
            (f"P{number}", f"Amber Brook {number}", address, kind, grade, "es", guardians, "", f"Note {number}")
        )
    return rows


def write_csv(path: Path, people: int) -> Path:
    path.write_text("".join(",".join(row) + "\r\n" for row in csv_rows(people)))
    return path


def write_xlsx(path: Path, people: int) -> Path:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("People")
    for row in csv_rows(people):
        sheet.append(row)
    book.save(path)
    return path


def _child(path: str, form: str) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from broadcasts.models import Import
    from broadcasts.people.importing.opening import open_source
    from tests.factory import make_school

    call_command("migrate", verbosity=0)
    for name in ("Lincoln", "Jefferson", "Cedar", "Lakeside", "Hilltop"):
        make_school(name)
    one = Import(school=None if form == "oneroster" else make_school(), format=form, file=Path(path).name)
    before = _most_memory()
    started = time.perf_counter()
    source = open_source(one)
    count = sum(1 for _row in source.rows())
    seconds = time.perf_counter() - started
    print(json.dumps({"rows": count, "rows_per_second": count / seconds, "mb": _most_memory(), "before": before}))


def _most_memory() -> float:
    """In MB. What getrusage says begins with the memory of the process that started this one."""
    if not STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) / 1024 for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))


def _all(people: int) -> None:
    from tests.broadcasts.people.importing.oneroster_district import write_district

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "uploads"
        home.mkdir()
        for version in ("1.1", "1.2"):
            zipped = home / f"{version}.zip"
            district = write_district(zipped, version=version, students=people * 3 // 8)
            print("OneRoster", version, len(district.users), "people", measure(zipped, "oneroster"))
        print("CSV", measure(write_csv(home / "a.csv", people), "csv"))
        print("XLSX", measure(write_xlsx(home / "a.xlsx", people), "xlsx"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        _child(*sys.argv[2:4])
    else:
        _all(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
