"""Workers share the rows of a broadcast without taking the same one twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from broadcasts.delivering.claiming import claim_batch
from broadcasts.delivering.controlling import pause, resume
from broadcasts.models import User
from tests.broadcasts.delivering.steps import make_people, start


@pytest.mark.django_db(transaction=True)
def test_no_row_is_claimed_twice() -> None:
    broadcast = start(make_people(*(f"p{number}@x.example" for number in range(120))))

    def work(_number: int) -> list[int]:
        claimed = []
        try:
            while batch := claim_batch(broadcast.pk, 7, timezone.now()).jobs:
                claimed += [row.pk for row in batch]
        finally:
            connection.close()
        return claimed

    with ThreadPoolExecutor(4) as threads:
        claims = [pk for claimed in threads.map(work, range(4)) for pk in claimed]
    assert sorted(claims) == sorted(broadcast.deliveries.values_list("pk", flat=True))


@pytest.mark.django_db
def test_nothing_is_claimed_from_a_paused_broadcast(alice: User) -> None:
    broadcast = start(make_people("anna@x.example"))
    pause(broadcast, alice)
    assert claim_batch(broadcast.pk, 10, timezone.now()).jobs == []


@pytest.mark.django_db
def test_what_a_pause_took_from_many_is_shared_out_again(alice: User) -> None:
    broadcast = start(make_people(*(f"p{number}@x.example" for number in range(9))))
    for _ in range(3):
        claim_batch(broadcast.pk, 3, timezone.now())
    assert pause(broadcast, alice)
    assert resume(broadcast, alice)
    claims = [claim_batch(broadcast.pk, 4, timezone.now()).jobs for _ in range(4)]
    assert [len(jobs) for jobs in claims] == [4, 4, 1, 0]
    assert len({job.pk for jobs in claims for job in jobs}) == 9
