"""Workers, hints and the sweep: what goes on by itself."""

from datetime import timedelta
from pathlib import Path

import dramatiq
import pytest
from django.utils import timezone

from broadcasts.actors import stage as stage_actor
from broadcasts.actors import sweep_and_wake
from broadcasts.models import Import, School
from broadcasts.people.importing.merging import confirm_import
from messenger.serving import QUEUES
from tests.broadcasts.people.importing.files import row, stage

ROOT = Path(__file__).resolve().parents[4]


def test_every_queue_has_a_worker() -> None:
    assert stage_actor.queue_name in QUEUES
    assert stage_actor.queue_name in (ROOT / "Procfile").read_text()


@pytest.mark.django_db(transaction=True)
def test_the_sweep_wakes_a_worker_for_an_import_that_was_left(lincoln: School) -> None:
    import_ = stage(lincoln, [row(lincoln, "1", "Ann")])
    assert confirm_import(import_, None, deactivate_missing=False)
    Import.objects.update(worked_on_at=timezone.now() - timedelta(minutes=2))
    broker = dramatiq.get_broker()
    worker = dramatiq.Worker(broker, queues={stage_actor.queue_name}, worker_threads=1, worker_timeout=100)
    worker.start()
    try:
        assert sweep_and_wake() == 1
        broker.join(stage_actor.queue_name, timeout=60_000)
        worker.join()
    finally:
        worker.stop()
    import_.refresh_from_db()
    assert import_.status == "done"
