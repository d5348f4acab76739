"""A district's year in one test: 5 schools and 5,000 students are imported, again, and changed; then written to.

Each step is compared with the generator's truth, and the sandbox's own store is the judge of who got what.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.base import File
from pytest_django import Settings

from broadcasts.models import Broadcast, Delivery, Guardianship, Import, List, Person, School
from broadcasts.people.importing.merging import confirm_import, merge_import
from broadcasts.people.importing.oneroster.adding_schools import add_missing_schools
from broadcasts.people.importing.opening import open_source
from broadcasts.people.importing.staging import stage_import
from broadcasts.people.lists.resolving import count_people, people_on
from broadcasts.preparing.reach import Reach
from broadcasts.results import Result, count_by_label
from broadcasts.sandbox.server import SandboxServer
from broadcasts.sandbox.store import FILE_NAME
from tests import factory
from tests.broadcasts.delivering.steps import deliver, start_broadcast
from tests.broadcasts.people.importing.oneroster_district import District, write_district
from tests.broadcasts.people.lists.making import rule_list

pytestmark = pytest.mark.django_db
NOTHING = {"new": 0, "changed": 0, "missing": 0, "rejected": 0, "addresses_new": 0, "addresses_gone": 0, "types": 0}


@pytest.fixture
def sandbox(tmp_path: Path, settings: Settings) -> Iterator[SandboxServer]:
    settings.MESSENGER_HOME = settings.MEDIA_ROOT = tmp_path
    settings.MAIL_IS_SANDBOX = True
    server = SandboxServer(tmp_path)
    server.start()
    yield server
    server.stop()


def read(path: Path, *, is_complete: bool = True) -> Import:
    """As far as the check page."""
    with path.open("rb") as file:
        made = Import(format=Import.Format.ONEROSTER, file_name=path.name, is_complete=is_complete)
        made.file.save(path.name, File(file))
    add_missing_schools(made, None)
    assert stage_import(made.pk, open_source(made))
    made.refresh_from_db()
    assert made.status == Import.Status.CHECKED, made.problem
    return made


def store(made: Import) -> Import:
    assert confirm_import(made, None, deactivate_missing=False)
    assert merge_import(made.pk)
    made.refresh_from_db()
    return made


def changes(made: Import) -> dict[str, int]:
    return {name: made.summary[name] for name in NOTHING}


def compare_with(truth: District) -> None:
    stored = dict(Person.objects.values_list("sis_id", "name").filter(is_active=True))
    assert stored == {user.sourced_id: user.name for user in truth.users.values() if user.enabled}
    assert Guardianship.objects.count() == len(truth.links)


def test_a_district_is_imported_changed_and_written_to(sandbox: SandboxServer, tmp_path: Path) -> None:
    for kind in ("Emergency", "General"):
        factory.make_type(kind)
    path = tmp_path / "district.zip"
    truth = write_district(path, schools=5, students=5000)
    first = store(read(path))
    assert first.summary["new"] == len(truth.users)
    assert School.objects.count() == 5
    compare_with(truth)

    assert changes(read(path)) == NOTHING
    assert changes(store(read(path))) == NOTHING
    compare_with(truth)

    delta = tmp_path / "delta.zip"
    after = write_district(delta, schools=5, students=5000, delta=0.02)
    changed = store(read(delta, is_complete=False))
    assert changed.summary["left"] == len(after.deactivated)
    inactive = Person.objects.filter(is_active=False)
    assert set(inactive.values_list("sis_id", flat=True)) == set(after.deactivated)
    renamed = dict(Person.objects.filter(sis_id__in=after.renamed).values_list("sis_id", "name"))
    assert renamed == after.renamed

    school = School.objects.order_by("name")[0]
    write_to(rule_list(school, ("grade", ["4", "5"]), target=List.Target.BOTH), tmp_path)


def write_to(families: List, home: Path) -> None:
    """By the rules of this moment: the list's count, the review, the ledger and the mailboxes agree."""
    on_list = count_people(people_on([families], families.school_id))
    assert on_list.all > 100
    assert on_list.held_back > 0 or not Guardianship.objects.filter(do_not_contact=True).exists()
    broadcast: Broadcast = factory.make_broadcast(families.school)
    broadcast.lists.set([families])
    foreseen = Reach(broadcast).counts()
    start_broadcast(broadcast)
    assert count_by_label(broadcast.deliveries.all()) == foreseen
    people = broadcast.deliveries.order_by().values("person").distinct().count()
    assert people == on_list.all
    while deliver(broadcast):
        pass
    counts = count_by_label(broadcast.deliveries.all())
    assert sum(counts.values()) == sum(foreseen.values())
    assert counts["Unsent"] == 0
    sent = broadcast.deliveries.filter(result=Result.SENT)
    assert sent.count() == foreseen["Unsent"]
    with sqlite3.connect(home / FILE_NAME) as store:
        arrived = Counter(recipient for (recipient,) in store.execute("SELECT recipient FROM messages"))
    assert arrived == Counter(sent.values_list("email", flat=True))
    held_back = Delivery.objects.filter(broadcast=broadcast, note=Delivery.Note.DO_NOT_CONTACT)
    assert held_back.values("person").distinct().count() == on_list.held_back
