from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh

from broadcasts.roles import signed_in_user
from reports.overview import Overview


@require_safe
@vary_on_headers("HX-Request")
def home(request: HttpRequest) -> HttpResponse:
    overview = Overview(signed_in_user(request), timezone.now())
    if not getattr(request, "htmx", False):
        return render(request, "reports/home.html", {"overview": overview})
    if not overview.under_way:  # the last one has just ended: the rest of the page changes too
        return HttpResponseClientRefresh()
    return render(request, "reports/home_live.html", {"overview": overview})


@require_safe
@vary_on_headers("HX-Request")
def home_needs(request: HttpRequest) -> HttpResponse:
    """What needs a person, with the number that takes too long for Home itself; nothing, if nothing does."""
    if not getattr(request, "htmx", False):
        return redirect("reports:home")
    overview = Overview(signed_in_user(request), timezone.now(), may_count=True)
    if not overview.needs_a_person:
        return HttpResponse()
    return render(request, "reports/home_needs.html", {"overview": overview})
