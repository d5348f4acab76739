"""The addresses of all rows that fit the filters of the Email Log are blocked, or of those ticked among them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from broadcasts import audit
from broadcasts.blocking import block_gathered, compare_gathered
from broadcasts.gathering import Gathered, gathered_addresses
from broadcasts.models import Delivery
from broadcasts.roles import administrators_only, signed_in_user
from reports.email_log.acting import BlockRowsForm
from reports.email_log.chosen import MOST_ROWS, ChosenRows

Act = Callable[[HttpRequest, ChosenRows], HttpResponse]


def on_rows(act: Act) -> Callable[[HttpRequest], HttpResponse]:
    """Filters that make no sense are explained by the log itself; without rows there is nothing to offer.

    Of too many, whoever waits for the page would not know whether anything happens.
    """

    @wraps(act)
    @require_http_methods(["GET", "HEAD", "POST"])
    def answer(request: HttpRequest) -> HttpResponse:
        chosen = ChosenRows(request.GET, signed_in_user(request))
        if chosen.log.filter.errors:
            return redirect(way_back(chosen))
        if not chosen.count:
            return render(request, "reports/log_nothing.html", {"chosen": chosen, "back": way_back(chosen)})
        if chosen.are_too_many:
            context = {"most": MOST_ROWS, "back": way_back(chosen)}
            return render(request, "reports/log_too_many.html", context, status=422 if request.POST else 200)
        return act(request, chosen)

    return answer


def way_back(chosen: ChosenRows) -> str:
    return f"{reverse('reports:email-log')}?{chosen.query}".removesuffix("?")


@administrators_only
@on_rows
def email_log_block(request: HttpRequest, chosen: ChosenRows) -> HttpResponse:
    if not chosen.are_narrowed:
        return render(request, "reports/log_block_all.html", {"back": way_back(chosen)})
    with gathered_addresses(chosen.rows) as addresses:
        found = compare_gathered(addresses)
        form = BlockRowsForm(request.POST if request.method == "POST" else None, found)
        number = _block(addresses, chosen, form) if form.is_valid() else None
    if number is not None:
        _tell_blocked(request, number)
        return redirect(way_back(chosen))
    context = {"form": form, "chosen": chosen, "found": found, "back": way_back(chosen)}
    return render(request, "reports/log_block.html", context, status=422 if form.is_bound else 200)


@transaction.atomic
def _block(addresses: Gathered, chosen: ChosenRows, form: BlockRowsForm) -> int:
    reason, level = form.cleaned_data["reason"], form.cleaned_data["level"]
    number = block_gathered(addresses, reason=reason, level=level, by=chosen.user)
    if number:
        details: dict[str, Any] = {**chosen.details, "addresses": number, "rows": chosen.count}
        details |= {"reason": reason, "level": level}
        audit.record(chosen.user, "email_log.blocked", Delivery(), label="Email Log", **details)
    return number


def _tell_blocked(request: HttpRequest, number: int) -> None:
    if not number:
        messages.info(request, _("All of these addresses were blocked already. Nothing has changed."))
        return
    words = ngettext("%(number)s address is blocked now.", "%(number)s addresses are blocked now.", number)
    messages.success(request, words % {"number": f"{number:,}"})
