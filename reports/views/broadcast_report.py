"""What became of one broadcast: at once what the counts say, and its parts when somebody looks at them."""

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from broadcasts.audit import history
from broadcasts.deeds import words_for
from broadcasts.models import Broadcast
from broadcasts.roles import signed_in_user
from reports.broadcast_report.charts import chart_of
from reports.broadcast_report.parts import PARTS, Counted, figures_of
from reports.broadcast_report.results import Results


def find_sent(request: HttpRequest, pk: int) -> Broadcast:
    visible = Broadcast.objects.visible_to(signed_in_user(request))
    joined = visible.select_related("school", "broadcast_type", "sender", "sent_by", "created_by")
    return get_object_or_404(joined, pk=pk)


@require_safe
def broadcast_report(request: HttpRequest, pk: int) -> HttpResponse:
    """`?all=1`: with every part, for printing and for browsers without scripts; `?part=`: with that one."""
    broadcast = find_sent(request, pk)
    if broadcast.is_editable:
        return redirect("broadcasts:broadcast-edit", pk)
    results = Results(broadcast)
    wanted = list(PARTS) if request.GET.get("all") else request.GET.getlist("part")
    shown = {
        slug: _shown(figures_of(part, results, timezone.now())) for slug, part in PARTS.items() if slug in wanted
    }
    context = _context(results) | {
        "parts": [(part, shown.get(part.slug)) for part in PARTS.values()],
        "is_whole": bool(request.GET.get("all")),
        "contents": broadcast.contents.order_by("-is_default", "language"),
        "lists": broadcast.lists.order_by("name"),
        "history": [(entry, words_for(entry.action)) for entry in history(broadcast)[:20]],
    }
    return render(request, "reports/broadcast_report/page.html", context)


@require_safe
def broadcast_report_results(request: HttpRequest, pk: int) -> HttpResponse:
    """What moves while it is being sent. 204 leaves the page as it is."""
    broadcast = find_sent(request, pk)
    if broadcast.is_editable:
        raise Http404
    results = Results(broadcast)
    if request.GET.get("seen") == results.digest:
        return HttpResponse(status=204)
    return render(request, "reports/broadcast_report/results.html", _context(results))


@require_safe
def broadcast_report_part(request: HttpRequest, pk: int, slug: str) -> HttpResponse:
    """One part: for htmx by itself, otherwise on its page."""
    broadcast = find_sent(request, pk)
    part = PARTS.get(slug)
    if part is None or broadcast.is_editable:
        raise Http404
    if not getattr(request, "htmx", False):
        return redirect(f"{reverse('reports:broadcast-report', args=[pk])}?{urlencode({'part': slug})}#{slug}")
    results = Results(broadcast)
    counted = _shown(figures_of(part, results, timezone.now()))
    return render(request, f"reports/broadcast_report/{slug}.html", _context(results) | {"shown": counted})


def _shown(counted: Counted) -> dict[str, object]:
    chart = chart_of(counted.figures) if counted.part.slug == "times" and counted.figures else None
    return {"part": counted.part, "figures": counted.figures, "at": counted.at, "chart": chart}


def _context(results: Results) -> dict[str, object]:
    broadcast = results.broadcast
    poll = reverse("reports:broadcast-report-results", args=[broadcast.pk])
    return {
        "broadcast": broadcast,
        "results": results,
        "poll_url": f"{poll}?{urlencode({'seen': results.digest})}",
        "log_url": f"{reverse('reports:email-log')}?{urlencode({'broadcast': broadcast.pk})}",
    }
