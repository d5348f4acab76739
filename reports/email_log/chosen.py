"""The rows of the Email Log that somebody goes on with: all that the filters leave, or those ticked among them."""

from collections.abc import Mapping

from django.db import connection
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from broadcasts.models import Broadcast, Delivery, School, User
from broadcasts.people.directory import in_chunks
from reports.email_log.counting import on_every_broadcast
from reports.email_log.pages import PLACES, EmailLog
from reports.email_log.streams import compiled

# Some seconds each on a machine of two cores, while it also sends.
MOST_ROWS = 1_000_000
# Of the page, not of which rows are meant.
OF_THE_PAGE = (*PLACES, "per_page", "row", "of_school")


def kept_filters(params: QueryDict) -> list[tuple[str, str]]:
    """What the address says about the rows: hidden fields of a form that goes on with them."""
    named = ((name, value) for name, values in params.lists() for value in values)
    return [(name, str(value)) for name, value in named if value and name not in OF_THE_PAGE]


class ChosenRows:
    """Asked for by the address of the page; what makes no sense there is in the `errors` of `log.filter`."""

    def __init__(self, params: QueryDict, user: User) -> None:
        self.params = params
        self.user = user
        self.log = EmailLog(params, user)

    @property
    def are_ticked(self) -> bool:
        return "row" in self.params

    @property
    def are_narrowed(self) -> bool:
        return self.are_ticked or self.log.filter.is_filtered

    @cached_property
    def rows(self) -> "QuerySet[Delivery]":
        wanted = self.log.wanted
        if wanted is None:
            return Delivery.objects.none()
        if connection.vendor == "postgresql":  # for its indexes; SQLite would run out of parameters
            wanted = on_every_broadcast(wanted)
        rows = Delivery.objects.visible_to(self.user).filter(wanted.condition())
        return rows.filter(pk__in=self._ticked) if self.are_ticked else rows

    @property
    def _ticked(self) -> list[int]:
        numbers = self.params.getlist("row")
        return [int(number) for number in numbers if number.isascii() and number.isdigit() and len(number) < 19]

    @cached_property
    def _by_broadcast(self) -> Mapping[int, int]:
        """How many rows of each, up to one more than a deed is for."""
        sql, params = compiled(self.rows.order_by().values_list("broadcast")[: MOST_ROWS + 1])
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH found (broadcast) AS ({sql}) SELECT broadcast, COUNT(*) FROM found GROUP BY 1",  # noqa: S608
                params,
            )
            return dict(cursor.fetchall())

    @property
    def count(self) -> int:
        return sum(self._by_broadcast.values())

    @property
    def are_too_many(self) -> bool:
        return self.count > MOST_ROWS

    @cached_property
    def _broadcasts(self) -> list[Broadcast]:
        """Those that the rows are of."""
        joined = Broadcast.objects.select_related("school", "broadcast_type", "sender")
        return [one for chunk in in_chunks(self._by_broadcast) for one in joined.filter(pk__in=chunk)]

    @property
    def schools(self) -> list[School]:
        """Those whose broadcasts the rows are of."""
        return sorted(
            {broadcast.school for broadcast in self._broadcasts}, key=lambda school: (school.name, school.pk)
        )

    def count_of_school(self, school: School) -> int:
        return sum(self._by_broadcast[one.pk] for one in self._broadcasts if one.school == school)

    def of_school(self, school: School) -> "QuerySet[Delivery]":
        return self.rows.filter(broadcast__school=school)

    def broadcast_of(self, school: School) -> Broadcast | None:
        """The one that all of them are of, if it is one."""
        found = [one for one in self._broadcasts if one.school == school]
        return found[0] if len(found) == 1 else None

    @property
    def in_words(self) -> str:
        """Like “Bounced · Snow day”: a name for what was made of them."""
        chosen = self.log.filter.chosen_broadcast
        words = [self.log.result_in_words, str(chosen) if chosen else "", str(self.params.get("q", ""))]
        return " · ".join(word for word in words if word) or _("Email Log")

    @property
    def details(self) -> dict[str, str | int]:
        """How they were chosen, for the audit trail."""
        ticked: dict[str, str | int] = {"ticked": len(self._ticked)} if self.are_ticked else {}
        return {**self.log.as_details, **ticked}

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the address says about the rows, for a form of the page."""
        return [*kept_filters(self.params), *(("row", str(number)) for number in self.params.getlist("row"))]

    @property
    def query(self) -> str:
        """The same for the way back to the log."""
        asked = self.params.copy()
        for name in OF_THE_PAGE:
            asked.pop(name, None)
        return asked.urlencode()
