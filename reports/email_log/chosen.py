"""The rows of the Email Log that somebody goes on with: all that the filters leave, or those ticked among them."""

from django.db import connection
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from broadcasts.models import Broadcast, Delivery, School, User
from reports.email_log.counting import on_every_broadcast
from reports.email_log.pages import PLACES, EmailLog

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
    def count(self) -> int:
        return self.rows.count()

    @cached_property
    def schools(self) -> list[School]:
        """Those whose broadcasts the rows are of."""
        numbers = self.rows.order_by().values("broadcast")
        of_rows = Broadcast.objects.filter(pk__in=numbers).order_by().values("school")
        return list(School.objects.filter(pk__in=of_rows))

    def of_school(self, school: School | None) -> "QuerySet[Delivery]":
        return self.rows.filter(broadcast__school=school) if school else self.rows

    def broadcast_of(self, school: School | None) -> Broadcast | None:
        """The one that all of them are of, if it is one."""
        numbers = self.of_school(school).order_by().values("broadcast")
        found = Broadcast.objects.filter(pk__in=numbers).select_related("school", "broadcast_type", "sender")
        some = list(found.order_by("pk")[:2])
        return some[0] if len(some) == 1 else None

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
