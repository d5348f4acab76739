from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "reports"

    def ready(self) -> None:
        from reports.forgetting import take_part  # noqa: PLC0415 - models are there only now

        take_part()
