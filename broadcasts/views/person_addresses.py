"""An address of a person: adding one, correcting it, confirming it, taking it out of use and into use again."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from broadcasts.blocking import find_block
from broadcasts.forms.people import AddressForm
from broadcasts.models import EmailAddress, Person, User
from broadcasts.people.editing import InvalidAddress, add_address, confirm_address, correct_address, retire_address
from broadcasts.roles import signed_in_user
from broadcasts.views.people import find_person


@require_http_methods(["GET", "HEAD", "POST"])
def address_add(request: HttpRequest, pk: int) -> HttpResponse:
    person = find_person(request, pk)
    form = AddressForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "person": person}
        return render(request, "broadcasts/address_add.html", context, status=422 if form.is_bound else 200)
    added = add_address(person, form.cleaned_data["address"], by=signed_in_user(request))
    messages.success(request, _("%(address)s is an address of %(person)s.") % {"address": added, "person": person})
    _tell_if_blocked(request, added)
    return redirect("broadcasts:person-detail", pk)


@require_http_methods(["GET", "HEAD", "POST"])
def address_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """POST with `deed`: confirm, retire or use-again; else it corrects the address."""
    address = _find_address(request, pk)
    deed = DEEDS.get(request.POST.get("deed", "")) if request.method == "POST" else None
    if deed:
        deed(request, address, signed_in_user(request))
        return redirect("broadcasts:person-detail", address.person_id)
    form = AddressForm(request.POST if request.method == "POST" else None, initial={"address": address.address})
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "address": address, "entry": find_block(address.key)}
        return render(request, "broadcasts/address_edit.html", context, status=422 if form.is_bound else 200)
    try:
        new = correct_address(address, form.cleaned_data["address"], by=signed_in_user(request))
    except InvalidAddress as reason:
        messages.warning(request, str(reason))
    else:
        messages.success(request, _("%(new)s is used from now on.") % {"new": new})
        _tell_if_blocked(request, new)
    return redirect("broadcasts:person-detail", address.person_id)


def _confirm(request: HttpRequest, address: EmailAddress, user: User) -> None:
    confirm_address(address, by=user)
    messages.success(request, _("It is on record that %(address)s is right.") % {"address": address})


def _retire(request: HttpRequest, address: EmailAddress, user: User) -> None:
    retire_address(address, by=user)
    messages.success(request, _("%(address)s is no longer in use.") % {"address": address})


def _use_again(request: HttpRequest, address: EmailAddress, user: User) -> None:
    try:
        again = add_address(address.person, address.address, by=user)
    except InvalidAddress as reason:
        messages.error(request, str(reason))
        return
    messages.success(request, _("%(address)s is in use again.") % {"address": again})
    _tell_if_blocked(request, again)


DEEDS: dict[str, Callable[[HttpRequest, EmailAddress, User], None]] = {
    "confirm": _confirm,
    "retire": _retire,
    "use-again": _use_again,
}


def _find_address(request: HttpRequest, pk: int) -> EmailAddress:
    people = Person.objects.visible_to(signed_in_user(request)).order_by()
    addresses = EmailAddress.objects.select_related("person__school", "replaced_by")
    return get_object_or_404(addresses.filter(person__in=people), pk=pk)


def _tell_if_blocked(request: HttpRequest, address: EmailAddress) -> None:
    if block := find_block(address.key):
        words = _("%(address)s is on the Blocked Email list. Blocked: %(level)s. You can lift that below.")
        messages.warning(request, words % {"address": address, "level": block.get_level_display()})
