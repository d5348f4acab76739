from datetime import datetime

from django.apps import AppConfig

from broadcasts.delivering.rounds import do_regularly


class TrackingConfig(AppConfig):
    name = "tracking"

    def ready(self) -> None:
        from tracking.forgetting import take_part  # noqa: PLC0415 - models are there only now

        take_part()
        do_regularly("Using events that came before their emails were known", 5, use_events)


def use_events(now: datetime) -> None:
    from tracking.webhooks.trying_again import use_what_became_known  # noqa: PLC0415 - models are there only now

    use_what_became_known(now)
