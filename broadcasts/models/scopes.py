"""What a user may see: every page looks its objects up through this."""

from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from broadcasts.models.schools import User

Row = TypeVar("Row", bound=models.Model)


class SchoolQuerySet(models.QuerySet[Row]):
    """Rows that belong to a school through the model's `school_path`, by default its field `school`."""

    def visible_to(self, user: "User") -> Self:
        path = getattr(self.model, "school_path", "school")
        return self.filter(**{f"{path}__in": user.schools})
