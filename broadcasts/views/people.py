"""The directory: finding people, adding one by hand."""

from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_tables2 import RequestConfig

from broadcasts.forms.people import NewPersonForm, PersonFilterForm
from broadcasts.models import Person
from broadcasts.people.editing import add_address, add_person
from broadcasts.roles import signed_in_user
from broadcasts.tables.paginating import CappedPaginator
from broadcasts.tables.people import PersonTable, with_contacts

if TYPE_CHECKING:
    from django.core.paginator import Page

PEOPLE_PER_PAGE = 50


@require_safe
def person_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    form = PersonFilterForm(request.GET, user=user)
    table = PersonTable(with_contacts(form.people()), exclude=() if "school" in form.fields else ("school",))
    pages = {"per_page": PEOPLE_PER_PAGE, "paginator_class": CappedPaginator, "silent": True}
    RequestConfig(request, paginate=pages).configure(table)
    page = cast("Page[Person]", table.page)
    context = {
        "form": form,
        "table": table,
        "found": page.paginator,
        "has_any": page.paginator.count > 0 or Person.objects.visible_to(user).exists(),
        "has_school": user.schools.exists(),
    }
    return render(request, "broadcasts/person_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def person_new(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    form = NewPersonForm(request.POST if request.method == "POST" else None, user=user)
    if not form.schools:
        messages.warning(request, _("You belong to no school yet. An administrator can change that."))
        return redirect("broadcasts:person-list")
    if request.method != "POST" or not form.is_valid():
        return render(request, "broadcasts/person_new.html", {"form": form}, status=422 if form.is_bound else 200)
    with transaction.atomic():
        person = add_person(form.chosen_school, form.person, by=user)
        if form.cleaned_data["address"]:
            add_address(person, form.cleaned_data["address"], by=user)
    messages.success(request, _("%(person)s is in the directory now.") % {"person": person})
    return redirect("broadcasts:person-detail", person.pk)


def find_person(request: HttpRequest, pk: int) -> Person:
    mine = Person.objects.visible_to(signed_in_user(request)).select_related("school")
    return get_object_or_404(mine, pk=pk)
