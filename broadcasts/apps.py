from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BroadcastsConfig(AppConfig):
    name = "broadcasts"

    def ready(self) -> None:
        from broadcasts.keeping_counts import keep_counts  # noqa: PLC0415 - models are there only now

        post_migrate.connect(keep_counts, sender=self, dispatch_uid="keep_counts")
