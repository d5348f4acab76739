from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from reports.explanations import EXPLANATIONS
from reports.result_groups import GROUPS


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    context = {"explanations": EXPLANATIONS.values(), "groups": GROUPS.values()}
    return render(request, "reports/help.html", context)
