"""Correct an address where it failed, confirm it, and send what was missed to the corrected one."""

from functools import partial
from typing import TypedDict
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from broadcasts.actors import wake
from broadcasts.forms.addresses import CorrectAddressForm
from broadcasts.models import Delivery, EmailAddress, Person
from broadcasts.models.deliveries import DeliveryQuerySet
from broadcasts.people.editing import InvalidAddress, confirm_address, correct_address
from broadcasts.preparing.sending_again import (
    RECENT,
    SentAgain,
    find_obstacles,
    is_worth_sending,
    missed_broadcasts,
    send_again,
)
from broadcasts.roles import signed_in_user
from broadcasts.views.posting import post_only


class Offer(TypedDict):
    delivery: Delivery
    is_ticked: bool
    obstacle: str


def find_address(request: HttpRequest, pk: int, *, locked: bool = False) -> EmailAddress:
    people = Person.objects.visible_to(signed_in_user(request)).order_by()
    addresses = EmailAddress.objects.filter(person__in=people.values("pk"))
    if locked:
        addresses = addresses.select_for_update(of=("self",))
    return get_object_or_404(addresses.select_related("person__school"), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def address_correct(request: HttpRequest, pk: int) -> HttpResponse:
    wrong = find_address(request, pk, locked=request.method == "POST")
    if wrong.replaced_by_id:
        return _already_corrected(request, wrong)
    if request.method != "POST":
        return _correct_page(request, wrong, CorrectAddressForm(wrong=wrong, initial={"address": wrong.address}))
    form = CorrectAddressForm(request.POST, wrong=wrong)
    if not form.is_valid():
        return _correct_page(request, wrong, form)
    try:
        right = correct_address(wrong, form.cleaned_data["address"], by=signed_in_user(request))
    except InvalidAddress as invalid:
        form.add_error("address", str(invalid))
        return _correct_page(request, wrong, form)
    words = _("From now on %(person)s is written to at %(address)s.")
    messages.success(request, words % {"person": right.person, "address": right.address})
    if _missed(request, wrong).exists():
        return redirect(_missed_page(request, wrong))
    return redirect(way_back(request))


def _correct_page(request: HttpRequest, wrong: EmailAddress, form: CorrectAddressForm) -> HttpResponse:
    context = {"address": wrong, "form": form, "next": way_back(request)}
    return render(request, "broadcasts/address_correct.html", context, status=422 if form.is_bound else 200)


def _already_corrected(request: HttpRequest, wrong: EmailAddress) -> HttpResponse:
    words = _("%(wrong)s was already corrected to %(right)s.")
    messages.info(request, words % {"wrong": wrong.address, "right": _replacement(wrong).address})
    if _missed(request, wrong).exists():
        return redirect(_missed_page(request, wrong))
    return redirect(way_back(request))


@post_only("broadcasts:address-correct", find_address)
def address_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    address = confirm_address(find_address(request, pk), by=signed_in_user(request))
    words = _("%(address)s counts as right until an email to it fails again.")
    messages.success(request, words % {"address": address.address})
    return redirect(way_back(request))


@require_http_methods(["GET", "HEAD", "POST"])
def address_missed(request: HttpRequest, pk: int) -> HttpResponse:
    """What did not arrive at an address that was corrected since, to be sent to the new one."""
    wrong = find_address(request, pk)
    if wrong.replaced_by_id is None:
        return redirect("broadcasts:address-correct", pk)
    if request.method != "POST":
        return _offer(request, wrong)
    chosen = [int(one) for one in request.POST.getlist("delivery") if one.isascii() and one.isdigit()]
    if not chosen:
        return _offer(request, wrong, _("Nothing is ticked. Tick what to send, or press “Send nothing”."))
    with transaction.atomic():
        outcome = send_again(
            _missed(request, wrong).filter(pk__in=chosen), _replacement(wrong), by=signed_in_user(request)
        )
        for broadcast in {row.broadcast_id for row in outcome.sent}:
            transaction.on_commit(partial(wake, broadcast))
    _say(request, outcome, _replacement(wrong))
    return redirect(way_back(request))


def _offer(request: HttpRequest, wrong: EmailAddress, error: str = "") -> HttpResponse:
    right, now = _replacement(wrong), timezone.now()
    missed = list(_missed(request, wrong))
    obstacles = find_obstacles(missed, right)
    offers = [Offer(delivery=row, is_ticked=is_worth_sending(row, now), obstacle="") for row in missed]
    for offer in offers:
        offer["obstacle"] = obstacles.get(offer["delivery"].pk, "")
    context = {
        "wrong": wrong,
        "right": right,
        "offers": [offer for offer in offers if not offer["obstacle"]],
        "hindered": [offer for offer in offers if offer["obstacle"]],
        "days": RECENT.days,
        "next": way_back(request),
        "error": error,
    }
    return render(request, "broadcasts/address_missed.html", context, status=422 if error else 200)


def _say(request: HttpRequest, outcome: SentAgain, right: EmailAddress) -> None:
    number = len(outcome.sent)
    if number:
        words = ngettext(
            "%(number)s email is on its way to %(address)s.",
            "%(number)s emails are on their way to %(address)s.",
            number,
        )
        messages.success(request, words % {"number": number, "address": right.address})
    elif not outcome.left_out:
        messages.info(request, _("Nothing was sent: these emails were sent again before."))
    for row, reason in outcome.left_out:
        words = _("“%(broadcast)s” was not sent again. %(reason)s")
        messages.warning(request, words % {"broadcast": row.broadcast, "reason": reason})


def _missed(request: HttpRequest, wrong: EmailAddress) -> DeliveryQuerySet:
    """Of the schools whose broadcasts are this user's."""
    missed = missed_broadcasts(wrong, timezone.now()).visible_to(signed_in_user(request))
    return missed.select_related("broadcast__broadcast_type", "broadcast__school", "duplicate_of")


def _replacement(wrong: EmailAddress) -> EmailAddress:
    """The address in use now: what replaced it may have been replaced itself."""
    seen, address = {wrong.pk}, wrong
    while address.replaced_by and address.replaced_by.pk not in seen:
        address = address.replaced_by
        seen.add(address.pk)
    return address


def _missed_page(request: HttpRequest, wrong: EmailAddress) -> str:
    page = reverse("broadcasts:address-missed", args=[wrong.pk])
    return f"{page}?{urlencode({'next': way_back(request)})}"


def way_back(request: HttpRequest) -> str:
    """The page that had the button."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL)
