"""A district's people from a file: the first import, the same file again, and one with 2 % changes.

Each runs in a process of its own, whose memory is measured, beside a loop of get_or_create over a sample.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache

from tests.benchmarks.figures import Figure, timed

SAMPLE = 2_000
MB = 1024
NAMES = ("General", "Emergency", "Attendance")
WORKS = {"first": "first import", "again": "the same file again", "changed": "2 % changed"}


def measure(people: int) -> list[Figure]:
    loop = get_or_create(SAMPLE)
    figures = [loop]
    for work, words in WORKS.items():
        command = [sys.executable, "-m", "tests.benchmarks.importing", work, str(people)]
        done = subprocess.run(command, stdout=subprocess.PIPE, env=os.environ, check=True)
        told = json.loads(done.stdout.splitlines()[-1])
        figure = Figure(f"import of {people:,} people, {words}, {told['memory']} MB", people, told["seconds"])
        figure.ratio = f"{figure.rows / figure.seconds / (loop.rows / loop.seconds):.1f} x faster than the loop"
        figures.append(figure)
        print(f"  {words}: " + ", ".join(f"{step} {seconds:.1f} s" for step, seconds in told["steps"].items()))
    return figures


def get_or_create(sample: int) -> Figure:
    """What one would write first; it compares nothing and cannot be undone."""
    from broadcasts.models import ContactType, EmailAddress, Person
    from tests import factory

    types, school = [factory.make_type(name) for name in NAMES], factory.make_school("Sample")
    with timed("get_or_create of a sample", sample) as figure:
        for one in rows(school.pk, sample, ""):
            person, _ = Person.objects.get_or_create(
                school=school,
                sis_id=one.sis_id,
                defaults={"name": one.name, "kind": one.kind, "language": one.language},
            )
            for position, address in enumerate(one.addresses or ()):
                email, _ = EmailAddress.objects.get_or_create(
                    person=person,
                    key=address.key,
                    defaults={"address": address.address, "is_valid": True, "position": position},
                )
                for kind in types:
                    ContactType.objects.get_or_create(address=email, broadcast_type=kind)
    return figure


def rows(school: int, people: int, changes: str) -> Iterator["PersonRow"]:
    """Of five people four have two addresses. `changes`: for every fiftieth person, what is appended to it all."""
    for number in range(people):
        mark = changes if number % 50 == 7 else ""
        texts = [f"p{number}{mark}@home.example", f"p{number}@work.example"][: 1 if number % 5 == 0 else 2]
        yield PersonRow(
            number=number + 2,
            school=school,
            sis_id=f"S{number:07}",
            name=f"Person {number:06}{mark}",
            kind="guardian",
            language="en",
            grade="",
            addresses=tuple(Address(text, text) for text in texts),
            types=types_of_file(),
        )


@cache
def types_of_file() -> frozenset[int]:
    from tests import factory

    return frozenset(factory.make_type(name).pk for name in NAMES)


class GeneratedSource:
    headings: Sequence[str] = ()
    has_ids, has_guardians = True, False

    def __init__(self, school: int, people: int, changes: str) -> None:
        self.warnings, self.total = Warnings(), people
        self._rows = rows(school, people, changes)

    def records(self) -> Iterator[tuple[int, Sequence[str]]]:
        return iter(())

    def rows(self) -> Iterator["PersonRow"]:
        return self._rows


def work(name: str, people: int) -> dict[str, object]:
    """One import from staging to done, in this process."""
    from broadcasts.models import Import
    from broadcasts.people.importing.merging import confirm_import, merge_import
    from broadcasts.people.importing.staging import stage_import
    from tests import factory

    school = factory.make_school("District")
    import_ = Import.objects.create(school=school, format="csv", file_name="people.csv")
    with timed("stage") as staged:
        assert stage_import(import_.pk, GeneratedSource(school.pk, people, "-b" if name == "changed" else ""))
    import_.refresh_from_db()
    assert confirm_import(import_, None, deactivate_missing=False)
    with timed("merge") as merged:
        assert merge_import(import_.pk)
    import_.refresh_from_db()
    expected = {"first": (people, 0), "again": (0, 0), "changed": (0, people // 50)}[name]
    assert (import_.summary["new"], import_.summary["changed"]) == expected, import_.summary
    return {
        "seconds": staged.seconds + merged.seconds,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MB,
        "steps": {"staged and compared": staged.seconds, "merged": merged.seconds},
    }


if __name__ == "__main__":
    import django

    django.setup()

from broadcasts.people.cells import Address  # noqa: E402
from broadcasts.people.importing.rows import PersonRow, Warnings  # noqa: E402

if __name__ == "__main__":
    print(json.dumps(work(sys.argv[1], int(sys.argv[2]))))
