from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from broadcasts.models import Broadcast
from broadcasts.results import Result
from broadcasts.roles import signed_in_user
from reports.opens import count_opened_by_mailbox, count_opens


@require_safe
@vary_on_headers("HX-Request")
def broadcast_opens(request: HttpRequest, pk: int) -> HttpResponse:
    """Both numbers: a page, and the part of it that the broadcast's own page shows."""
    broadcast = get_object_or_404(Broadcast.objects.visible_to(signed_in_user(request)), pk=pk)
    opened = broadcast.deliveries.filter(result=Result.OPENED).count()
    context = {
        "broadcast": broadcast,
        "opens": count_opens({broadcast.pk: opened})[broadcast.pk],
        "counts_machines": settings.COUNT_MACHINE_OPENS,
    }
    page = "reports/opens.html" if getattr(request, "htmx", False) else "reports/broadcast_opens.html"
    return render(request, page, context)


@require_safe
def broadcast_opened_by_mailbox(request: HttpRequest, pk: int) -> HttpResponse:
    """A sentence that the Email Log of a broadcast loads by itself, for it takes longer than the rows; 204: none."""
    broadcast = get_object_or_404(Broadcast.objects.visible_to(signed_in_user(request)), pk=pk)
    count = count_opened_by_mailbox(broadcast)
    if not count:
        return HttpResponse(status=204)
    context = {"broadcast": broadcast, "opened_by_mailbox": count}
    return render(request, "reports/opened_by_mailbox.html", context)
