"""Who did what: written in the same transaction as the deed, readable on the object's page."""

from collections.abc import Iterable
from typing import Any

from django.db import models
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
