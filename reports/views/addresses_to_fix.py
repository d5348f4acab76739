from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_tables2 import RequestConfig

from broadcasts.roles import signed_in_user
from reports.address_table import AddressTable
from reports.addresses_to_fix import AddressesToFix
from reports.reasons import Fault

ROWS_PER_PAGE = 25


@require_safe
def addresses_to_fix(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    found = AddressesToFix(user)
    fault = Fault.OURS if request.GET.get("fault") == Fault.OURS else Fault.ADDRESS
    text = request.GET.get("q", "")[:200]
    matching = found.matching(text)
    rows = [one for one in matching if one.reason.fault == fault]
    table = AddressTable(rows, found, shows_school=user.schools.count() > 1, may_correct=fault == Fault.ADDRESS)
    RequestConfig(request, paginate={"per_page": ROWS_PER_PAGE, "silent": True}).configure(table)
    context = {
        "table": table,
        "fault": fault,
        "faults": [(one, sum(each.reason.fault == one for each in matching)) for one in Fault],
        "text": text,
        "count": len(rows),
        "has_any": bool(found.found),
    }
    return render(request, "reports/addresses_to_fix.html", context)
