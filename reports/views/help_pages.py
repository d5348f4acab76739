from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from reports.explanations import EXPLANATIONS


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    return render(request, "reports/help.html", {"explanations": EXPLANATIONS.values()})
