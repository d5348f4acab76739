from django.apps import AppConfig


class TrackingConfig(AppConfig):
    name = "tracking"

    def ready(self) -> None:
        from tracking.forgetting import take_part  # noqa: PLC0415 - models are there only now

        take_part()
