"""Who did what: written in the same transaction as the deed, readable on the object's page."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, JSONObject
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.models import AuditEntry, School, User


def record(
    actor: User | None,
    action: str,
    on: models.Model,
    *,
    school: School | None = None,
    label: str = "",
    **details: Any,
) -> None:
    """Note that `actor` (None: a command or the system itself) did `action`, like "broadcast.sent", on an object."""
    _entry(actor, action, on, school=school, label=label, details=details).save(force_insert=True)


def record_each(actor: User | None, action: str, deeds: Iterable[tuple[models.Model, dict[str, Any]]]) -> None:
    """The same deed on many objects, each with its details."""
    entries = [_entry(actor, action, on, school=None, label="", details=details) for on, details in deeds]
    AuditEntry.objects.bulk_create(entries, batch_size=500)


def record_all(actor: User, action: str, on: models.QuerySet[Any], *, label: str, **details: F | Value) -> None:
    """The same deed on every object of a query, in one statement however many there are.

    `label` names a field; `details` are fields or values that the database puts together.
    """
    facts = JSONObject(**details)
    found = on.order_by("pk").values_list(Cast("pk", CharField(max_length=40)), F(label), facts)
    columns = "at, actor_id, actor_name, action, object_type, object_id, object_label, details"
    same = [connection.ops.adapt_datetimefield_value(timezone.now()), actor.pk, actor.display_name, action]
    same.append(on.model._meta.model_name)  # noqa: SLF001
    try:
        sql, params = found.query.sql_with_params()
    except EmptyResultSet:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found (object_id, object_label, details) AS ({sql}) "  # noqa: S608 - compiled by Django
            f"INSERT INTO {AuditEntry._meta.db_table} ({columns}) "  # noqa: SLF001
            "SELECT %s, %s, %s, %s, %s, object_id, object_label, details FROM found",
            (*params, *same),
        )


def _entry(
    actor: User | None, action: str, on: models.Model, *, school: School | None, label: str, details: dict[str, Any]
) -> AuditEntry:
    return AuditEntry(
        actor=actor,
        actor_name=actor.display_name if actor else _("Messenger"),
        action=action,
        school=school,
        object_type=on._meta.model_name or "",  # noqa: SLF001
        object_id="" if on.pk is None else str(on.pk),
        object_label=(label or str(on))[:320],
        details=details,
    )


def history(of: models.Model) -> models.QuerySet[AuditEntry]:
    """All entries about an object, newest first."""
    return AuditEntry.objects.filter(object_type=of._meta.model_name or "", object_id=str(of.pk))  # noqa: SLF001
