"""How far a broadcast is: the page that its sender watches, and the list of all of them."""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect
from django_tables2 import RequestConfig

from broadcasts import audit
from broadcasts.counting import count_broadcast, counts_by_broadcast
from broadcasts.deeds import words_for
from broadcasts.delivering.doubts import count_doubts
from broadcasts.delivering.retrying import can_be_stopped, count_retried, planned_again
from broadcasts.forms.filtering import BroadcastFilterForm
from broadcasts.models import Broadcast
from broadcasts.results import DID_NOT_GET_IT
from broadcasts.roles import signed_in_user
from broadcasts.tables.broadcasts import BroadcastTable
from broadcasts.views.held_up import HeldUp
from broadcasts.views.reviewing import find_broadcast

ANNOUNCE_EVERY = timedelta(seconds=15)
BROADCASTS_PER_PAGE = 25
Status = Broadcast.Status


@dataclass(frozen=True)
class Progress:
    """One look at a broadcast; everything on the page comes from it, so that its figures agree."""

    broadcast: Broadcast
    now: datetime

    @cached_property
    def counts(self) -> dict[str, int]:
        return count_broadcast(self.broadcast)

    @cached_property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def unsent(self) -> int:
        return self.counts["Unsent"]

    @property
    def missed(self) -> int:
        """How many did not get it, once it is over."""
        return 0 if self.is_under_way else sum(self.counts[label] for label in DID_NOT_GET_IT)

    @property
    def done(self) -> int:
        return self.total - self.unsent

    @cached_property
    def in_doubt(self) -> int:
        """Emails whose server never said whether it took them; not those on the wire at this moment."""
        return count_doubts([self.broadcast.pk], self.now)[self.broadcast.pk]

    @property
    def still_trying(self) -> int:
        return self.counts["Soft Bounced"]

    @cached_property
    def retried(self) -> int:
        """Of those that Soft Bounced, whom we try again ourselves; others' servers may be trying too."""
        return count_retried(self.broadcast.pk) if self.still_trying else 0

    @cached_property
    def next_retry_at(self) -> datetime | None:
        """The earliest; None: it is under way."""
        if not self.retried:
            return None
        planned = planned_again(self.broadcast.pk).order_by("next_attempt_at")
        return planned.values_list("next_attempt_at", flat=True).first()

    @cached_property
    def held_up(self) -> HeldUp:
        return HeldUp(self.broadcast, self.unsent, self.now)

    @property
    def is_scheduled(self) -> bool:
        return self.broadcast.status == Status.SCHEDULED

    @property
    def never_began(self) -> bool:
        """Put on hold before anybody was written down, and perhaps cancelled then."""
        return self.broadcast.status in (Status.PAUSED, Status.CANCELLED) and not self.total

    @property
    def can_undo(self) -> bool:
        kind = self.broadcast.broadcast_type
        return self.is_scheduled and not (kind and kind.is_emergency)

    @property
    def undo_seconds(self) -> int:
        """How long Undo is certain to work; it may a little longer, until preparing begins."""
        if self.broadcast.send_at is None:
            return 0
        return max(0, math.ceil((self.broadcast.send_at - self.now).total_seconds()))

    @property
    def can_pause(self) -> bool:
        return self.broadcast.status == Status.SENDING

    @property
    def can_resume(self) -> bool:
        return self.broadcast.status == Status.PAUSED

    @property
    def can_cancel(self) -> bool:
        return self.can_pause or self.can_resume

    @property
    def can_stop_retrying(self) -> bool:
        if self.broadcast.status != Status.SENT or not self.retried:
            return False
        return self.broadcast.retries_stopped_to is None or can_be_stopped(self.broadcast.pk)

    @property
    def is_under_way(self) -> bool:
        return self.broadcast.is_under_way

    @cached_property
    def digest(self) -> str:
        """Changes when anything on the page does."""
        broadcast = self.broadcast
        undo = self.undo_seconds if self.can_undo else 0
        trouble = (broadcast.trouble, broadcast.next_try_at if broadcast.trouble else None)
        shown = (broadcast.status, trouble, undo, self.in_doubt, self.retried, self.next_retry_at, self.counts)
        return hashlib.blake2s(repr((shown, self.held_up.shown)).encode(), digest_size=8).hexdigest()


@require_safe
def broadcast_detail(request: HttpRequest, pk: int) -> HttpResponse:
    broadcast = find_broadcast(request, pk)
    if broadcast.is_editable:
        return redirect("broadcasts:broadcast-edit", pk)
    context = _progress_context(Progress(broadcast, timezone.now()))
    return render(request, "broadcasts/broadcast_detail.html", context)


@require_safe
def broadcast_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that moves. 204 leaves it as it is, with the reader's focus and selection."""
    broadcast = find_broadcast(request, pk)
    if broadcast.is_editable:
        return HttpResponseClientRedirect(reverse("broadcasts:broadcast-edit", args=[pk]))
    progress = Progress(broadcast, timezone.now())
    last_said = _read_time(request.GET.get("said"), progress.now)
    is_due = progress.now - last_said >= ANNOUNCE_EVERY or not progress.is_under_way
    if request.GET.get("seen") == progress.digest and not is_due:
        return HttpResponse(status=204)
    context = _progress_context(progress, None if is_due else last_said) | {"announces": is_due, "is_fragment": True}
    return render(request, "broadcasts/progress.html", context)


def _progress_context(progress: Progress, last_said: datetime | None = None) -> dict[str, object]:
    """`last_said`: when a screen reader was last told; None: now."""
    broadcast = progress.broadcast
    said = (last_said or progress.now).timestamp()
    query = urlencode({"seen": progress.digest, "said": int(said)})
    return {
        "broadcast": broadcast,
        "progress": progress,
        "poll_url": f"{reverse('broadcasts:broadcast-progress', args=[broadcast.pk])}?{query}",
        "log_url": f"{reverse('reports:email-log')}?{urlencode({'broadcast': broadcast.pk})}",
        "history": [(entry, words_for(entry.action)) for entry in audit.history(broadcast)[:20]],
        "undo_seconds": settings.UNDO_SECONDS,
    }


def _read_time(seconds: str | None, now: datetime) -> datetime:
    """Of a page that lost its clock, nothing was said yet."""
    try:
        return datetime.fromtimestamp(int(seconds or 0), tz=now.tzinfo)
    except (ValueError, OverflowError, OSError):
        return now - ANNOUNCE_EVERY


@require_safe
def broadcast_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    visible = Broadcast.objects.visible_to(user).select_related("school", "broadcast_type", "sent_by", "created_by")
    form = BroadcastFilterForm(request.GET)
    table = BroadcastTable(form.filter(visible), empty_text=_("No broadcast matches."))
    has_one_school = user.schools.count() == 1
    if has_one_school:
        table.exclude = ("school",)
    RequestConfig(request, paginate={"per_page": BROADCASTS_PER_PAGE, "silent": True}).configure(table)
    table.counts = counts_by_broadcast(row.record for row in table.page)
    context = {
        "table": table,
        "form": form,
        "has_any": form.is_used or visible.exists(),
        "has_one_school": has_one_school,
    }
    return render(request, "broadcasts/broadcast_list.html", context)
