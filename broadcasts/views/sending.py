"""Send Now and what can still be done about it. Each door takes one step and says what came of it."""

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from broadcasts.actors import wake
from broadcasts.delivering import controlling
from broadcasts.forms.sending import SendForm
from broadcasts.models import Broadcast, User
from broadcasts.results import Result
from broadcasts.roles import signed_in_user
from broadcasts.templatetags.messenger import moment
from broadcasts.views.posting import post_only
from broadcasts.views.progress import Progress
from broadcasts.views.reviewing import Review, find_broadcast, review_page

CANCELLABLE = (Broadcast.Status.SENDING, Broadcast.Status.PAUSED)
Step = Callable[[Broadcast, User], bool]


@post_only("broadcasts:broadcast-review")
@transaction.atomic
def broadcast_send(request: HttpRequest, pk: int) -> HttpResponse:
    """Sends exactly what was reviewed: the row stays locked from the check to the step."""
    user = signed_in_user(request)
    locked = Broadcast.objects.visible_to(user).select_for_update(of=("self",))
    broadcast = get_object_or_404(locked, pk=pk)
    if not broadcast.is_editable:
        return _already_sent(request, broadcast)
    review = Review(broadcast)
    form = SendForm(request.POST, broadcast, review.sendable)
    if review.reasons or not form.is_valid():
        return review_page(request, review, form)
    try:
        start_at = form.cleaned_data.get("start_at")
        is_first = controlling.send_now(broadcast, user, review.sendable, start_at=start_at)
    except controlling.CannotSend:  # a list changed since the line above: show today's figures
        review = Review(broadcast)
        return review_page(request, review, SendForm(request.POST, broadcast, review.sendable))
    if not is_first:
        return _already_sent(request, find_broadcast(request, pk))
    transaction.on_commit(partial(wake, pk))
    return redirect("broadcasts:broadcast-detail", pk)


def _already_sent(request: HttpRequest, broadcast: Broadcast) -> HttpResponse:
    messages.warning(
        request,
        _("%(who)s already sent this broadcast at %(when)s. It is sent only once.")
        % {
            "who": broadcast.sent_by.display_name if broadcast.sent_by else _("Somebody else"),
            "when": moment(broadcast.send_at, broadcast.school),
        },
    )
    return redirect("broadcasts:broadcast-detail", broadcast.pk)


@post_only("broadcasts:broadcast-detail")
def broadcast_undo(request: HttpRequest, pk: int) -> HttpResponse:
    broadcast = find_broadcast(request, pk)
    if controlling.undo_send(broadcast, signed_in_user(request)):
        messages.success(request, _("Stopped in time: nobody got it. It is a draft again."))
        return redirect("broadcasts:broadcast-review", pk)
    if find_broadcast(request, pk).is_editable:
        messages.info(request, _("Somebody was faster: this broadcast is a draft again."))
        return redirect("broadcasts:broadcast-review", pk)
    messages.error(request, _("Too late to undo: it has started. You can still pause or cancel what has not left."))
    return redirect("broadcasts:broadcast-detail", pk)


@post_only("broadcasts:broadcast-detail")
def broadcast_pause(request: HttpRequest, pk: int) -> HttpResponse:
    done = _("Paused. What is Unsent waits until somebody resumes.")
    return _take_step(request, pk, controlling.pause, done)


@post_only("broadcasts:broadcast-detail")
def broadcast_resume(request: HttpRequest, pk: int) -> HttpResponse:
    return _take_step(request, pk, controlling.resume, _("Sending goes on."), wakes=True)


@post_only("broadcasts:broadcast-detail")
def broadcast_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """It cannot be undone, so the first press asks and the second does it."""
    if "sure" in request.POST:
        done = _("Cancelled. What was Unsent will not be sent.")
        return _take_step(request, pk, controlling.cancel, done, wakes=True)
    broadcast = find_broadcast(request, pk)
    if broadcast.status not in CANCELLABLE:
        return _say_where_it_is(request, broadcast)
    unsent = broadcast.deliveries.filter(result=Result.UNSENT).count()
    return render(request, "broadcasts/progress_cancel.html", {"broadcast": broadcast, "unsent": unsent})


@post_only("broadcasts:broadcast-detail")
def broadcast_stop_retrying(request: HttpRequest, pk: int) -> HttpResponse:
    """It cannot be undone either."""
    broadcast = find_broadcast(request, pk)
    if "sure" in request.POST:
        done = _("Stopped. Who had Soft Bounced is Bounced now, and nobody tries again.")
        return _take_step(request, pk, controlling.stop_retrying, done, wakes=True)
    progress = Progress(broadcast, timezone.now())
    if not progress.can_stop_retrying:
        return _say_where_it_is(request, broadcast)
    return render(request, "broadcasts/progress_stop_retrying.html", {"broadcast": broadcast, "progress": progress})


def _take_step(request: HttpRequest, pk: int, step: Step, done: str, *, wakes: bool = False) -> HttpResponse:
    broadcast = find_broadcast(request, pk)
    with transaction.atomic():
        changed = step(broadcast, signed_in_user(request))
        if changed and wakes:
            transaction.on_commit(partial(wake, pk))
    if not changed:
        return _say_where_it_is(request, find_broadcast(request, pk))
    messages.success(request, done)
    return redirect("broadcasts:broadcast-detail", pk)


def _say_where_it_is(request: HttpRequest, broadcast: Broadcast) -> HttpResponse:
    messages.warning(
        request,
        _("Nothing was changed: this broadcast is “%(status)s” now.") % {"status": broadcast.get_status_display()},
    )
    return redirect("broadcasts:broadcast-detail", broadcast.pk)
