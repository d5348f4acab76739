"""The hints that wait in Redis, or in this process where there is none."""

from functools import cache

import dramatiq
import redis
from django.conf import settings
from dramatiq.brokers.stub import StubBroker

from broadcasts import actors  # noqa: F401  (a program that sends nothing would know of no queue)

ANSWER_SECONDS = 2.0
NAMESPACE = "dramatiq"


@cache
def _redis() -> "redis.Redis":
    """One of its own, which gives up soon: a probe must answer also while Redis hangs."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
    )


def ask_redis() -> None:
    """Raises redis.RedisError when it is away."""
    _redis().ping()


def queue_names() -> list[str]:
    """Without those of delayed messages: there are none."""
    return sorted(name for name in dramatiq.get_broker().get_declared_queues() if not name.endswith(".DQ"))


def queue_lengths() -> dict[str, int]:
    """Messages that wait or are being worked on, by queue. Raises redis.RedisError."""
    broker = dramatiq.get_broker()
    if isinstance(broker, StubBroker):
        return {name: broker.queues[name].qsize() for name in queue_names()}
    with _redis().pipeline(transaction=False) as asked:
        for name in queue_names():
            asked.hlen(f"{NAMESPACE}:{name}.msgs")
        return dict(zip(queue_names(), asked.execute(), strict=True))
