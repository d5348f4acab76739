"""Why an address is on the Blocked Email list, and taking it off: staff do it themselves, with a reason."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from broadcasts.blocking import find_block, unblock_addresses
from broadcasts.forms.blocking import LiftForm
from broadcasts.models import EmailAddress
from broadcasts.roles import signed_in_user
from broadcasts.views.address_fixing import find_address, way_back


@require_http_methods(["GET", "HEAD", "POST"])
def block_lift(request: HttpRequest, pk: int) -> HttpResponse:
    address = find_address(request, pk)
    back = _way_back(request, address)
    block = find_block(address.key)
    if block is None:
        messages.info(request, _("%(address)s is not on the Blocked Email list.") % {"address": address})
        return redirect(back)
    form = LiftForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "address": address, "entry": block, "next": back}
        return render(request, "broadcasts/block_lift.html", context, status=422 if form.is_bound else 200)
    if unblock_addresses([address.key], reason=form.cleaned_data["reason"], by=signed_in_user(request)):
        words = _(
            "%(address)s is off the Blocked Email list: the next broadcast goes to it. Rows of the log that say "
            "Blocked stay as they are, because results only move forward."
        )
        messages.success(request, words % {"address": address})
    else:
        messages.info(request, _("Somebody else has just lifted this block."))
    return redirect(back)


def _way_back(request: HttpRequest, address: EmailAddress) -> str:
    has_way = request.POST.get("next") or request.GET.get("next")
    return way_back(request) if has_way else reverse("broadcasts:person-detail", args=[address.person_id])
