"""A worker that is told to stop ends after the shift in hand, and takes no more hints than it has threads for."""

from collections.abc import Iterator

import dramatiq
import pytest
from django.db import connections

from broadcasts import heartbeats
from broadcasts.models import Heartbeat
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker() -> Iterator[dramatiq.Worker]:
    one = dramatiq.Worker(dramatiq.get_broker(), queues={"housekeeping"}, worker_threads=2, worker_timeout=100)
    one.start()
    yield one
    heartbeats._stopping.clear()


def test_a_worker_tells_that_it_is_there_until_it_has_ended(worker: dramatiq.Worker) -> None:
    wait_for(lambda: Heartbeat.objects.filter(Heartbeat.of("housekeeping")).exists(), "a heartbeat", seconds=30)
    assert not Heartbeat.objects.filter(Heartbeat.of("broadcast")).exists()
    assert not heartbeats.is_stopping()
    worker.stop()
    assert heartbeats.is_stopping()
    assert not Heartbeat.objects.exists()
    connections.close_all()


def test_a_worker_takes_as_many_hints_as_it_has_threads(worker: dramatiq.Worker) -> None:
    assert worker.queue_prefetch == 2
    worker.stop()
