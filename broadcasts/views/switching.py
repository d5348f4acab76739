"""What the addresses of many people receive: choose, look at the counts, confirm."""

from typing import Any

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from broadcasts import audit
from broadcasts.forms.people import PersonFilterForm
from broadcasts.forms.switching import SwitchForm
from broadcasts.models import Person, School, User
from broadcasts.people.choosing_for_many import Switch, addresses_of, foresee_switches, switch_for_many
from broadcasts.roles import signed_in_user


@require_http_methods(["GET", "HEAD", "POST"])
def person_types(request: HttpRequest) -> HttpResponse:
    """The address holds who is meant, as on the list of people. GET with choices looks ahead; POST acts."""
    user = signed_in_user(request)
    data = request.POST if request.method == "POST" else request.GET
    who = PersonFilterForm(data, user=user)
    is_asked = "check" in data or request.method == "POST"
    form = SwitchForm(data if is_asked else None)
    if not who.is_valid() or not is_asked or not form.is_valid():
        return _page(request, "people_types", who, form, status=422 if is_asked else 200)
    if request.method != "POST":
        return _confirm_page(request, who, form)
    return _act(request, user, who, form)


def _page(request: HttpRequest, name: str, who: PersonFilterForm, form: SwitchForm, **more: Any) -> HttpResponse:
    status = more.pop("status", 200)
    people = who.people()
    context = {
        "who": who,
        "form": form,
        "people_count": people.count(),
        "address_count": addresses_of(people).count(),
        "back": _back(who),
        "kept": [(field, value) for field in who.fields if (value := who.data.get(field))],
        **more,
    }
    return render(request, f"broadcasts/{name}.html", context, status=status)


def _confirm_page(request: HttpRequest, who: PersonFilterForm, form: SwitchForm, **more: Any) -> HttpResponse:
    addresses = addresses_of(who.people(), only_valid=form.cleaned_data["only_valid"])
    switches = foresee_switches(addresses, form.wanted)
    chosen = [(name, form.cleaned_data[name]) for name in form.kinds if form.cleaned_data[name]]
    if form.cleaned_data["only_valid"]:
        chosen.append(("only_valid", "on"))
    context = {"switches": switches, "chosen": chosen, "changes": sum(one.changed for one in switches)}
    return _page(request, "people_types_confirm", who, form, **context, **more)


def _act(request: HttpRequest, user: User, who: PersonFilterForm, form: SwitchForm) -> HttpResponse:
    switches = _switch(user, who, form)
    changed = sum(one.changed for one in switches)
    words = ngettext("%(count)s choice was changed.", "%(count)s choices were changed.", changed)
    messages.success(request, words % {"count": intcomma(changed)})
    if kept := sum(one.kept_by_family for one in switches):
        words = ngettext(
            "%(count)s stayed as the family chose it.", "%(count)s stayed as the families chose them.", kept
        )
        messages.info(request, words % {"count": intcomma(kept)})
    return redirect(_back(who))


@transaction.atomic
def _switch(user: User, who: PersonFilterForm, form: SwitchForm) -> list[Switch]:
    addresses = addresses_of(who.people(), only_valid=form.cleaned_data["only_valid"])
    switches = switch_for_many(addresses, form.wanted, by=user)
    if any(one.changed for one in switches):
        _record(user, who, switches)
    return switches


def _record(user: User, who: PersonFilterForm, switches: list[Switch]) -> None:
    """On the list's page when it was a list's people, else on the school's."""
    chosen, schools = who.chosen_list, list(user.schools[:2])
    school = (
        chosen.school if chosen else who.cleaned_data.get("school") or (schools[0] if len(schools) == 1 else None)
    )
    counts = {
        one.broadcast_type.name: {
            "switched": "on" if one.receives else "off",
            "changed": one.changed,
            "kept_by_family": one.kept_by_family,
            "already": one.already,
        }
        for one in switches
    }
    filters = {field: str(value) for field in who.fields if (value := who.data.get(field))}
    on: Any = chosen or school or School()
    label = str(on) if on.pk else str(Person._meta.verbose_name_plural)  # noqa: SLF001
    details: dict[str, Any] = {"counts": counts, "filters": filters, "changes": [_in_words(one) for one in switches]}
    audit.record(user, "contact_types.changed_for_many", on, school=school, label=label, **details)


def _in_words(one: Switch) -> str:
    """For the list's history."""
    on, off = gettext("%(type)s switched on for %(count)s"), gettext("%(type)s switched off for %(count)s")
    addresses = ngettext("%(count)s address", "%(count)s addresses", one.changed) % {"count": intcomma(one.changed)}
    return (on if one.receives else off) % {"type": one.broadcast_type, "count": addresses}


def _back(who: PersonFilterForm) -> str:
    """The list of the same people."""
    query = QueryDict(mutable=True)
    query.update({field: value for field in who.fields if (value := who.data.get(field))})
    return reverse("broadcasts:person-list") + (f"?{query.urlencode()}" if query else "")
