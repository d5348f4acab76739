"""/readyz and /metrics, as a load balancer and Prometheus ask for them."""

import re
from datetime import timedelta

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from broadcasts.heartbeats import SILENT_AFTER, beat
from broadcasts.models import Broadcast, Delivery, Heartbeat
from broadcasts.results import Result
from tests import factory
from tests.reports.rows import make_delivery

pytestmark = pytest.mark.django_db
TOKEN = "a-long-token-for-prometheus"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}
# https://prometheus.io/docs/instrumenting/exposition_formats/
SAMPLE = re.compile(
    r'^[a-zA-Z_:][\w:]*(\{[a-zA-Z_]\w*="(\\[\\"n]|[^\\"\n])*"(,[a-zA-Z_]\w*="(\\[\\"n]|[^\\"\n])*")*\})? \S+$'
)


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


@pytest.fixture
def everybody_works() -> None:
    for serves in ("broadcast", "emergency", "housekeeping", "sweep"):
        beat(f"here:1:{serves}", serves, timezone.now())


def silence(serves: str) -> None:
    long_ago = timezone.now() - SILENT_AFTER - timedelta(seconds=1)
    Heartbeat.objects.filter(Heartbeat.of(serves)).update(beat_at=long_ago)


def samples(client: Client) -> dict[str, float]:
    response = client.get("/metrics", headers=WITH_TOKEN)
    assert response.status_code == 200
    lines = [line for line in response.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_all_is_ready_when_everybody_works(client: Client, everybody_works: None) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json()["ready"]) == (200, True)
    assert set(response.json()["checks"].values()) == {"ok"}


@pytest.mark.parametrize("who", ["broadcast", "emergency", "housekeeping", "sweep"])
def test_one_silent_group_is_enough_not_to_be_ready(client: Client, everybody_works: None, who: str) -> None:
    silence(who)
    response = client.get("/readyz")
    assert response.status_code == 503
    failed = [name for name, said in response.json()["checks"].items() if said == "failed"]
    assert failed == ["sweep" if who == "sweep" else f"worker:{who}"]


def test_who_is_stopping_serves_no_queue(client: Client, everybody_works: None) -> None:
    beat("here:1:emergency", "", timezone.now())
    assert client.get("/readyz").json()["checks"]["worker:emergency"] == "failed"


def test_emails_that_nobody_works_on_are_told_without_details_to_strangers(
    client: Client, everybody_works: None
) -> None:
    broadcast = factory.make_broadcast(subject="Secret snow day")
    make_delivery(broadcast, "anna@home.example", next_attempt_at=timezone.now() - timedelta(minutes=7))
    stranger = client.get("/readyz")
    assert (stranger.status_code, stranger.json()["checks"]["due:broadcast"]) == (503, "failed")
    trusted = client.get("/readyz", headers=WITH_TOKEN)
    assert trusted.json()["checks"]["due:broadcast"] == "Emails wait since 7 minutes and nobody works on them."
    assert b"anna" not in trusted.content
    assert b"Secret" not in trusted.content


def test_emails_wait_their_turn_while_somebody_works(client: Client, everybody_works: None) -> None:
    broadcast = factory.make_broadcast()
    make_delivery(broadcast, "anna@home.example", next_attempt_at=timezone.now() - timedelta(hours=1))
    beat("here:1:broadcast", "broadcast", timezone.now(), "broadcast 7")
    assert client.get("/readyz").status_code == 200


def test_a_missing_migration_is_told(client: Client, everybody_works: None) -> None:
    latest = MigrationRecorder.Migration.objects.filter(app="broadcasts").latest("name")
    latest.delete()
    response = client.get("/readyz", headers=WITH_TOKEN)
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"].startswith(f"The database lacks broadcasts.{latest.name}")


def test_a_redis_that_is_away_is_told_and_metrics_go_on(
    client: Client, everybody_works: None, settings: Settings
) -> None:
    from reports.operations import queues

    settings.REDIS_URL = "redis://:secret@127.0.0.1:9/0"  # nobody listens at the discard port
    queues._redis.cache_clear()
    response = client.get("/readyz", headers=WITH_TOKEN)
    queues._redis.cache_clear()
    assert response.json()["checks"]["redis"] == "Redis does not answer (ConnectionError)."
    assert b"secret" not in response.content


def test_asking_changes_nothing(client: Client) -> None:
    assert client.post("/readyz").status_code == 405
    assert client.post("/metrics", headers=WITH_TOKEN).status_code == 405


@pytest.mark.parametrize("said", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü"])
def test_metrics_want_their_token(client: Client, said: str) -> None:
    assert client.get("/metrics", headers={"Authorization": said} if said else {}).status_code == 401


def test_without_a_token_there_are_no_metrics(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_metrics_have_the_form_that_prometheus_reads(client: Client, everybody_works: None) -> None:
    response = client.get("/metrics", headers=WITH_TOKEN)
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = response.content.decode()
    assert text.endswith("\n")
    declared: list[str] = []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            declared.append(line.split()[2])
            assert line.split()[3] in ("gauge", "counter")
        elif not line.startswith("# HELP "):
            assert SAMPLE.match(line), line
            assert re.split(r"[{ ]", line)[0] == declared[-1]
    assert len(declared) == len(set(declared))
    assert all(name.endswith("_total") for name in declared if f"# TYPE {name} counter" in text)


def test_metrics_count_what_is_due_and_since_when(client: Client) -> None:
    broadcast = factory.make_broadcast()
    for minutes, address in ((10, "anna@home.example"), (2, "ben@home.example"), (-5, "carl@home.example")):
        make_delivery(broadcast, address, next_attempt_at=timezone.now() - timedelta(minutes=minutes))
    found = samples(client)
    assert found['messenger_due_emails{lane="broadcast"}'] == 2
    assert found['messenger_due_emails{lane="emergency"}'] == 0
    assert 600 <= found['messenger_oldest_due_age_seconds{lane="broadcast"}'] < 660
    assert found['messenger_oldest_due_age_seconds{lane="emergency"}'] == 0
    assert found['messenger_broadcasts{status="sending"}'] == 1


def test_metrics_count_retries_of_a_broadcast_that_is_sent(client: Client) -> None:
    broadcast = factory.make_broadcast(type_name="Emergency")
    make_delivery(broadcast, "anna@home.example", Result.SOFT_BOUNCED, next_attempt_at=timezone.now())
    Broadcast.objects.update(status="sent")
    assert samples(client)['messenger_due_emails{lane="emergency"}'] == 1


def test_metrics_count_doubts(client: Client) -> None:
    broadcast = factory.make_broadcast()
    now = timezone.now()
    minute = timedelta(minutes=1)
    factory.put_in_doubt(make_delivery(broadcast, "anna@home.example", last_attempt_at=now - minute), -minute)
    factory.put_in_doubt(make_delivery(broadcast, "ben@home.example"), minute)  # on the wire
    make_delivery(broadcast, "carl@home.example", state=Delivery.State.UNCONFIRMED)
    found = samples(client)
    assert found['messenger_doubtful_emails{state="in_doubt"}'] == 1
    assert found['messenger_doubtful_emails{state="unconfirmed"}'] == 1
    assert found["messenger_attempts_total"] >= 1


def test_metrics_name_nobody(client: Client, everybody_works: None) -> None:
    broadcast = factory.make_broadcast(subject="Secret snow day", trouble="550 anna@home.example is no sender")
    make_delivery(broadcast, "anna@home.example", next_attempt_at=timezone.now())
    Broadcast.objects.update(trouble_since=timezone.now())
    content = client.get("/metrics", headers=WITH_TOKEN).content
    assert b"anna" not in content
    assert b"Secret" not in content
    assert b"messenger_broadcasts_in_trouble 1\n" in content
