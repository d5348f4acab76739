"""The last look before sending: what leaves, whom it reaches, and what still forbids it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import overload

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_tables2 import RequestConfig
from django_tables2.data import TableListData

from broadcasts.composing.drafting import Missing, find_missing
from broadcasts.delivering.quiet_hours import waits_until
from broadcasts.forms.sending import SendForm
from broadcasts.models import Broadcast
from broadcasts.people.lists.sizes import size_in_words
from broadcasts.preparing.reach import Reach, ReachRow
from broadcasts.roles import signed_in_user
from broadcasts.tables.reviewing import NamesTable
from broadcasts.views.attaching import files_of

NAMES_PER_PAGE = 50
# More than a school's usual broadcast, and minutes of an office's connection.
MUCH_TRAFFIC = 1024**3

# What a label means before anything has left, in the order of the page.
BEFORE_SENDING = {
    "Unsent": (gettext_lazy("Will be sent"), gettext_lazy("These people get this broadcast.")),
    "Blocked": (
        gettext_lazy("Blocked"),
        gettext_lazy("Their address is on the Blocked Email list. Nobody may write to it."),
    ),
    "Duplicate": (
        gettext_lazy("Duplicate"),
        gettext_lazy("They share their address with somebody who already gets this broadcast there."),
    ),
    "No Email Selected": (
        gettext_lazy("No Email Selected"),
        gettext_lazy(
            "No address of theirs receives this type of broadcast, there is no address at all, or they are marked "
            "“do not contact”."
        ),
    ),
    "Failed": (
        gettext_lazy("Failed"),
        gettext_lazy("Their address is not a valid one, so no email can be addressed to it."),
    ),
}


@dataclass(frozen=True)
class ReachCount:
    label: str
    count: int

    @property
    def slug(self) -> str:
        return slugify(self.label)

    @property
    def heading(self) -> str:
        return str(BEFORE_SENDING[self.label][0])

    @property
    def is_explained_by_name(self) -> bool:
        return self.label != "Unsent"

    @property
    def meaning(self) -> str:
        return str(BEFORE_SENDING[self.label][1])


class Review:
    """Everything the page says about a draft; the same figures decide whether it may leave."""

    def __init__(self, broadcast: Broadcast) -> None:
        self.broadcast = broadcast
        # Without a type nobody can say which addresses receive it.
        self.reach = Reach(broadcast) if broadcast.broadcast_type_id else None

    @cached_property
    def counts(self) -> list[ReachCount]:
        counts = self.reach.counts() if self.reach else {}
        return [ReachCount(label, counts.get(label, 0)) for label in BEFORE_SENDING]

    @property
    def sendable(self) -> int:
        return self.counts[0].count

    @property
    def total(self) -> int:
        return sum(count.count for count in self.counts)

    @property
    def left_out(self) -> int:
        return self.total - self.sendable

    @cached_property
    def quiet_end(self) -> datetime | None:
        """When it would start that is sent now, in quiet hours."""
        return waits_until(self.broadcast, timezone.now())

    @cached_property
    def reasons(self) -> list[Missing]:
        """Why it cannot be sent, each with the field to correct; empty when it can."""
        missing = find_missing(self.broadcast)
        if not missing and not self.sendable:
            missing.append(Missing("lists", self._nobody()))
        return missing

    def _nobody(self) -> str:
        if not self.total:
            return _("There is nobody on these lists. Choose a list with people on it.")
        return _(
            "Nobody on these lists can get it: open the numbers above to see why. "
            "Choose other lists or correct the addresses."
        )


def find_broadcast(request: HttpRequest, pk: int) -> Broadcast:
    mine = Broadcast.objects.visible_to(signed_in_user(request))
    return get_object_or_404(mine.select_related("school", "broadcast_type", "sender", "sent_by"), pk=pk)


@require_safe
def broadcast_review(request: HttpRequest, pk: int) -> HttpResponse:
    broadcast = find_broadcast(request, pk)
    if not broadcast.is_editable:
        return redirect("broadcasts:broadcast-detail", pk)
    return review_page(request, Review(broadcast))


def review_page(request: HttpRequest, review: Review, form: SendForm | None = None) -> HttpResponse:
    """The page; with a refused form it says so and shows today's figures."""
    broadcast = review.broadcast
    files = files_of(broadcast)
    context = {
        "broadcast": broadcast,
        "review": review,
        "files": files,
        "traffic": _large_traffic(files.total_size, review.sendable),
        "form": form or SendForm(None, broadcast, review.sendable),
        "undo_seconds": settings.UNDO_SECONDS,
        "lists": [(one, size_in_words(one)) for one in broadcast.lists.select_related("school").with_sizes()],
        "languages": [_language_name(content.language) for content in broadcast.contents.order_by("-is_default")],
    }
    return render(request, "broadcasts/review.html", context, status=422 if form else 200)


def _large_traffic(size: int, emails: int) -> int:
    """How many bytes leave in files, encoded for email; 0 when nobody has to care."""
    traffic = size * emails * 4 // 3
    return traffic if traffic >= MUCH_TRAFFIC else 0


def _language_name(code: str) -> str:
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


class Names(Sequence[ReachRow]):
    """One label's people, read a page at a time."""

    def __init__(self, reach: Reach, count: ReachCount) -> None:
        self.reach = reach
        self.count_of = count

    def __len__(self) -> int:
        return self.count_of.count

    @overload
    def __getitem__(self, index: int) -> ReachRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[ReachRow]: ...
    def __getitem__(self, index: int | slice) -> ReachRow | list[ReachRow]:
        if isinstance(index, int):
            return self.reach.names(self.count_of.label, index, 1)[0]
        start, stop, _step = index.indices(len(self))
        return self.reach.names(self.count_of.label, start, stop - start)


@require_safe
def broadcast_review_names(request: HttpRequest, pk: int, slug: str) -> HttpResponse:
    broadcast = find_broadcast(request, pk)
    if not broadcast.is_editable:
        return redirect("broadcasts:broadcast-detail", pk)
    review = Review(broadcast)
    count = next((count for count in review.counts if count.slug == slug), None)
    if count is None or review.reach is None:
        raise Http404
    # TableListData reads a page; of anything else django-tables2 makes a whole list first, name by name.
    table = NamesTable(TableListData(Names(review.reach, count)), empty_text=_("Nobody."))
    if not count.is_explained_by_name:
        table.exclude = ("reason",)
    RequestConfig(request, paginate={"per_page": NAMES_PER_PAGE, "silent": True}).configure(table)
    context = {"broadcast": broadcast, "count": count, "counts": review.counts, "table": table}
    return render(request, "broadcasts/review_names.html", context)
