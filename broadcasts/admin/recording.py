"""Every change that an administrator makes is in the audit trail."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse

from broadcasts import audit
from broadcasts.roles import signed_in_user
from broadcasts.templatetags.messenger import moment

Row = TypeVar("Row", bound=models.Model)

if TYPE_CHECKING:
    Admin = admin.ModelAdmin
else:

    class Admin(admin.ModelAdmin):
        """Django's own cannot be subscripted at run time, and the type checker wants to know the model."""

        __class_getitem__ = classmethod(lambda cls, _row: cls)


def time_of(field: str, words: Any) -> Callable[[Any, Any], str]:
    """A column or line of an admin page: this time as all other pages write it."""

    @admin.display(description=words, ordering=field)
    def shown(_page: Any, row: Any) -> str:
        return moment(getattr(row, field)) or "-"

    return shown


class RecordedAdmin(Admin[Row]):
    """Hooks where Django writes its own log: they are passed by adding, changing, deleting, one or many."""

    # Relations whose rows make an object impossible to delete, each with the words for its count.
    in_use_by: Sequence[tuple[str, Any]] = ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method != "POST":
            return super().changelist_view(request, extra_context)
        with transaction.atomic():  # deleting many and its record, both or neither
            return super().changelist_view(request, extra_context)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self.record(request, "added", obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        if message:
            self.record(request, "changed", obj, changes=message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self.record(request, "deleted", obj)
        return super().log_deletions(request, queryset)

    def record(self, request: HttpRequest, deed: str, obj: models.Model, **details: Any) -> None:
        thing = self.opts.verbose_name_raw.lower().replace(" ", "_")
        school = getattr(obj, "school", None)
        audit.record(signed_in_user(request), f"{thing}.{deed}", obj, school=school, **details)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What is in use is counted, not listed: a school has a hundred thousand people."""
        uses = [words for obj in objs for words in self.uses_of(obj)]
        if uses:
            return [str(obj) for obj in objs], {}, set(), uses
        return super().get_deleted_objects(objs, request)

    def uses_of(self, obj: models.Model) -> list[str]:
        uses = []
        for relation, words in self.in_use_by:
            count = getattr(obj, relation).count()
            if count:
                uses.append(f"{obj}: {words % {'count': count}}")
        return uses


class ReadOnlyAdmin(Admin[Row]):
    """Looked at, never touched."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
