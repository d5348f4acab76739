from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_safe
from django_tables2 import RequestConfig

from broadcasts import audit
from broadcasts.roles import administrators_only, signed_in_user
from broadcasts.table_files import Form
from reports.address_table import AddressTable
from reports.addresses_file import addresses_file
from reports.addresses_to_fix import AddressesToFix, ToFix
from reports.reasons import Fault
from reports.remembering_addresses import remember_number

ROWS_PER_PAGE = 25


@dataclass
class Asked:
    """What the page's address asks for."""

    found: AddressesToFix
    fault: Fault
    text: str

    @classmethod
    def read(cls, request: HttpRequest) -> "Asked":
        fault = Fault.OURS if request.GET.get("fault") == Fault.OURS else Fault.ADDRESS
        return cls(AddressesToFix(signed_in_user(request)), fault, request.GET.get("q", "")[:200])

    def __post_init__(self) -> None:
        self.matching = self.found.matching(self.text)

    @property
    def rows(self) -> list[ToFix]:
        return [one for one in self.matching if one.reason.fault == self.fault]


@require_safe
def addresses_to_fix(request: HttpRequest) -> HttpResponse:
    user, asked = signed_in_user(request), Asked.read(request)
    rows, may_correct = asked.rows, asked.fault == Fault.ADDRESS
    remember_number(user, len(asked.found.found))
    table = AddressTable(rows, asked.found, shows_school=user.schools.count() > 1, may_correct=may_correct)
    RequestConfig(request, paginate={"per_page": ROWS_PER_PAGE, "silent": True}).configure(table)
    context = {
        "table": table,
        "fault": asked.fault,
        "faults": [(one, sum(each.reason.fault == one for each in asked.matching)) for one in Fault],
        "text": asked.text,
        "count": len(rows),
        "has_any": bool(asked.found.found),
        "may_export": user.is_administrator,
        "kept": [(name, value) for name, value in (("fault", asked.fault.value), ("q", asked.text)) if value],
    }
    return render(request, "reports/addresses_to_fix.html", context)


@require_GET
@administrators_only
def addresses_to_fix_export(request: HttpRequest) -> HttpResponseBase:
    """Of one tab, as it is searched."""
    user, asked, form = signed_in_user(request), Asked.read(request), Form.read(request.GET.dict())
    rows = asked.rows
    details: dict[str, Any] = {"rows": len(rows), "fault": asked.fault.value, **form.details}
    if asked.text:
        details["q"] = asked.text
    audit.record(user, "addresses_to_fix.exported", user, label="Addresses to fix", **details)
    return addresses_file(rows, asked.found).response(form)
