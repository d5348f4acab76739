"""One person: who it is, the addresses and what they receive, the family, and what was done."""

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from broadcasts import audit
from broadcasts.blocking import level_of_block
from broadcasts.forms.matrix import Matrix
from broadcasts.forms.people import PersonForm
from broadcasts.models import BroadcastType, EmailAddress, Guardianship, Person, User
from broadcasts.people.choosing import Choice, ChosenByFamily, record_staff_choice
from broadcasts.people.editing import change_person
from broadcasts.people.history import history_of, retired_since
from broadcasts.roles import signed_in_user
from broadcasts.views.people import find_person


@require_http_methods(["GET", "HEAD", "POST"])
def person_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """POST saves the matrix of addresses and broadcast types."""
    person = find_person(request, pk)
    if request.method != "POST":
        return _page(request, person, Matrix(person))
    matrix = Matrix(person, request.POST)
    try:
        changed = _save(person, matrix, signed_in_user(request))
    except ChosenByFamily as refusal:
        return _page(request, person, matrix, refused={f"{address}-{kind}" for address, kind in refusal.cells})
    if changed:
        messages.success(request, _("What the addresses receive is changed."))
    else:
        messages.info(request, _("Nothing was changed: everything is as you asked already."))
    return redirect("broadcasts:person-detail", pk)


@transaction.atomic
def _save(person: Person, matrix: Matrix, user: User) -> list[Choice]:
    changed = record_staff_choice(person, matrix.wanted, by=user, overrule_family=matrix.overrules_family)
    if changed:
        started, stopped = _named(changed, receives=True), _named(changed, receives=False)
        audit.record(user, "contact_types.changed", person, school=person.school, started=started, stopped=stopped)
    return changed


def _named(changed: list[Choice], *, receives: bool) -> list[str]:
    kinds, addresses = BroadcastType.objects.in_bulk(), EmailAddress.objects.in_bulk([one.address for one in changed])
    return [f"{addresses[one.address]}: {kinds[one.kind]}" for one in changed if one.receives == receives]


def _page(request: HttpRequest, person: Person, matrix: Matrix, refused: set[str] | None = None) -> HttpResponse:
    user = signed_in_user(request)
    since = retired_since(person)
    addresses = person.addresses.select_related("replaced_by").annotate(blocked=level_of_block())
    relations = Guardianship.objects.select_related("student", "guardian")
    guardians = list(relations.filter(student=person))
    students = list(relations.filter(guardian=person).order_by("student__name", "pk"))
    relatives = {one.student_id for one in students} | {one.guardian_id for one in guardians}
    with timezone.override(ZoneInfo(person.school.time_zone)):
        context = {
            "person": person,
            "addresses": [address for address in addresses if address.is_active],
            "retired": [(address, since.get(address.address)) for address in addresses if not address.is_active],
            "guardians": guardians,
            "students": students,
            "is_marked": any(one.do_not_contact for one in students),
            "marked": [one for one in guardians + students if one.do_not_contact],
            "visible": set(Person.objects.visible_to(user).filter(pk__in=relatives).values_list("pk", flat=True)),
            "matrix": matrix,
            "refused": refused,
            "entries": history_of(person),
        }
        return render(request, "broadcasts/person_detail.html", context, status=422 if refused else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def person_edit(request: HttpRequest, pk: int) -> HttpResponse:
    person = find_person(request, pk)
    initial = {name: getattr(person, name) for name in PersonForm.base_fields}
    form = PersonForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "person": person}
        return render(request, "broadcasts/person_edit.html", context, status=422 if form.is_bound else 200)
    if change_person(person, form.changes, by=signed_in_user(request)):
        messages.success(request, _("The changes are saved."))
    return redirect("broadcasts:person-detail", pk)
