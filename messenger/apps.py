import dramatiq
from django.apps import AppConfig

from broadcasts.delivering.warming_up import WarmUp
from broadcasts.heartbeats import Heartbeats
from messenger.fair_queues import FairQueues


class MessengerConfig(AppConfig):
    name = "messenger"

    def ready(self) -> None:
        from messenger import checks, provider_checks  # noqa: F401, PLC0415  (registers them)

        broker = dramatiq.get_broker()
        broker.add_middleware(WarmUp())
        broker.add_middleware(Heartbeats())
        broker.add_middleware(FairQueues())
