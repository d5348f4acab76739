import dramatiq
from django.apps import AppConfig

from broadcasts.heartbeats import Heartbeats


class MessengerConfig(AppConfig):
    name = "messenger"

    def ready(self) -> None:
        from messenger import checks  # noqa: F401, PLC0415  (registers them)

        dramatiq.get_broker().add_middleware(Heartbeats())
