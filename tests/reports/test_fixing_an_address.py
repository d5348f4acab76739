"""The story of a mistyped address: it fails, somebody corrects it, and the family has the email after all."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from broadcasts.delivering.sweeping import sweep
from broadcasts.delivering.working import work_on
from broadcasts.models import Broadcast, Delivery, EmailAddress, School
from broadcasts.results import Result, count_by_label
from tests import factory
from tests.broadcasts.delivering.steps import start
from tests.tracking.rows import running_listener, running_sandbox, wait_until

PAGE = "/people/addresses-to-fix/"


@pytest.fixture
def outside_world(tmp_path: Path, settings: Settings, transactional_db: None) -> Iterator[None]:
    settings.UNDO_SECONDS = 0
    with running_listener(), running_sandbox(tmp_path):
        yield


def work_until(result: Result, row: Delivery) -> None:
    def is_there() -> bool:
        for due in sweep(timezone.now()):
            work_on(due)
        return Delivery.objects.get(pk=row.pk).result == result

    wait_until(is_there)


@pytest.mark.django_db(transaction=True)
def test_corrected_family_gets_what_it_missed(outside_world: None, lincoln: School, as_alice: Client) -> None:
    kind = factory.make_type()
    ann = factory.make_person(lincoln, "Ann", ["bounce@home.example"], [kind])
    broadcast = start([ann, factory.make_person(lincoln, "Ben", ["ben@home.example"], [kind])])
    old = Delivery.objects.get(name="Ann")
    work_until(Result.FAILED, old)
    work_until(Result.DELIVERED, Delivery.objects.get(name="Ben"))
    assert Broadcast.objects.get().status == Broadcast.Status.SENT
    assert "bounce@home.example" in as_alice.get(PAGE).text

    wrong = EmailAddress.objects.get(address="bounce@home.example")
    corrected = as_alice.post(f"/people/addresses/{wrong.pk}/correct/", {"address": "ann@home.example", "next": PAGE})
    assert f'value="{old.pk}" checked' in as_alice.get(corrected["Location"]).text
    as_alice.post(f"/people/addresses/{wrong.pk}/missed/", {"delivery": old.pk, "next": PAGE})

    new = Delivery.objects.get(sent_again_for=old)
    work_until(Result.DELIVERED, new)
    assert Broadcast.objects.get().status == Broadcast.Status.SENT
    counts = count_by_label(broadcast.deliveries.all())
    assert {label: number for label, number in counts.items() if number} == {"Failed": 1, "Delivered": 2}
    assert "Nothing to fix" in as_alice.get(PAGE).text

    page = as_alice.get(f"/email-log/{old.pk}/").text
    assert "Alice sent it again, to the corrected address" in page
    assert f'href="/email-log/{new.pk}/">The row of ann@home.example' in page
    page = as_alice.get(f"/email-log/{new.pk}/").text
    assert "Alice sent this missed email again" in page
    assert f'href="/email-log/{old.pk}/">The row of bounce@home.example' in page
    assert "This email was prepared" not in page
    assert f'href="/families/{ann.pk}/?broadcast={broadcast.pk}"' in page
