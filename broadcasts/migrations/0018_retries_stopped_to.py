from typing import Any

from django.db import migrations, models
from django.db.models import Max, OuterRef, Subquery


def end_at_the_last_row(apps: Any, _editor: Any) -> None:
    """What was stopped before this was all rows that there were."""
    rows = apps.get_model("broadcasts", "Delivery").objects.filter(broadcast=OuterRef("pk")).order_by()
    last = rows.values("broadcast").annotate(last=Max("pk")).values("last")
    stopped = apps.get_model("broadcasts", "Broadcast").objects.filter(retries_stopped_at__isnull=False)
    stopped.update(retries_stopped_to=Subquery(last))


class Migration(migrations.Migration):
    dependencies = [
        ("broadcasts", "0017_the_logs_indexes_answer_filters"),
    ]

    operations = [
        migrations.AddField(
            model_name="broadcast",
            name="retries_stopped_to",
            field=models.BigIntegerField(
                help_text="The last delivery that there was then; one that is added later is tried as any other.",
                null=True,
            ),
        ),
        migrations.RunPython(end_at_the_last_row, migrations.RunPython.noop),
    ]
