from django.apps import AppConfig


class MessengerConfig(AppConfig):
    name = "messenger"

    def ready(self) -> None:
        from messenger import checks, provider_checks  # noqa: F401, PLC0415  (registers them)
