"""Lists of people: all of them, one of them, and its end."""

from collections.abc import Sequence
from typing import overload

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_tables2 import RequestConfig
from django_tables2.data import TableListData

from broadcasts import audit
from broadcasts.models import UNDER_WAY, Broadcast, List, Person, Upload
from broadcasts.people.applying import discard_forgotten_uploads
from broadcasts.people.forms import FindPeopleForm
from broadcasts.people.lists.definitions import load_definitions
from broadcasts.people.lists.describing import describe, history_of, made_of
from broadcasts.people.lists.resolving import count_people, people_of
from broadcasts.people.lists.sizes import count_list
from broadcasts.people.lists.words import people_in_words
from broadcasts.people.tables import ListTable, PeopleTable, with_addresses
from broadcasts.roles import signed_in_user

LISTS_PER_PAGE = 25
PEOPLE_PER_PAGE = 50


@require_safe
def list_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    discard_forgotten_uploads(user.schools, timezone.now())
    lists = List.objects.readable_by(user).with_sizes().select_related("school", "created_by")
    several_schools = lists.order_by().values("school").distinct().count() > 1 or user.schools.count() > 1
    table = ListTable(lists, exclude=() if several_schools else ("school",))
    RequestConfig(request, paginate={"per_page": LISTS_PER_PAGE, "silent": True}).configure(table)
    uploads = Upload.objects.visible_to(user).select_related("uploaded_by", "school")
    waiting = uploads.filter(status=Upload.Status.CHECKING)
    context = {"table": table, "has_any": lists.exists(), "waiting": waiting.order_by("-pk")[:5]}
    return render(request, "broadcasts/list_list.html", context)


@require_safe
def list_detail(request: HttpRequest, pk: int) -> HttpResponse:
    found, user = find_readable_list(request, pk), signed_in_user(request)
    definition = load_definitions([pk])[pk]
    listed = people_of(definition)
    count = count_people(listed)
    form = FindPeopleForm(request.GET or None)
    # TableListData reads a page; of anything else django-tables2 makes a whole list first.
    people = OnList(form.filter(listed.people), None if form.is_bound else count.all)
    table = PeopleTable(TableListData(people))
    RequestConfig(request, paginate={"per_page": PEOPLE_PER_PAGE, "silent": True}).configure(table)
    shown = [row.record.pk for row in table.paginated_rows]
    table.held_back = (
        set(listed.held_back.filter(pk__in=shown).values_list("pk", flat=True)) if count.held_back else ()
    )
    # A published list may name people of other schools: they are seen here, and nowhere else.
    table.may_open = set(Person.objects.visible_to(user).filter(pk__in=shown).values_list("pk", flat=True))
    is_own = user.schools.contains(found.school)
    context = {
        "list": found,
        "is_own": is_own,
        "count": count,
        "inactive_count": found.people.filter(is_active=False).count(),
        "form": form,
        "table": table,
        "description": describe(found, definition, user),
        "history": history_of(found) if is_own else [],
    }
    return render(request, "broadcasts/list_detail.html", context)


class OnList(Sequence[Person]):
    """The people of a list, read a page at a time. `size`: where it is known already, it is not counted again."""

    def __init__(self, people: QuerySet[Person], size: int | None) -> None:
        self.people = with_addresses(people.order_by("name", "pk"))
        self.size = people.count() if size is None else size

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> Person: ...
    @overload
    def __getitem__(self, index: slice) -> list[Person]: ...
    def __getitem__(self, index: int | slice) -> Person | list[Person]:
        return self.people[index] if isinstance(index, int) else list(self.people[index])


@require_safe
def list_size(request: HttpRequest, pk: int) -> HttpResponse:
    """For pages that show many lists: the number of people, which htmx fetches afterwards."""
    return HttpResponse(people_in_words(count_list(find_readable_list(request, pk))))


@require_http_methods(["GET", "HEAD", "POST"])
def list_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Its people stay in the directory, and what was sent to them in the Email Log."""
    found = find_list(request, pk)
    if request.method != "POST":
        context = {
            "list": found,
            "count": count_list(found),
            "users": users_of(found).select_related("school"),
            "made_of": made_of(found),
        }
        return render(request, "broadcasts/list_delete.html", context)
    with transaction.atomic():
        # Who adds the list to a draft at this moment waits, and finds it gone.
        List.objects.select_for_update().filter(pk=found.pk).first()
        if users_of(found).exists() or made_of(found).exists():
            return redirect("broadcasts:list-delete", pk)
        audit.record(signed_in_user(request), "list.deleted", found, school=found.school)
        found.delete()
    messages.success(request, _("The list “%s” was deleted. Its people are still in the directory.") % found.name)
    return redirect("broadcasts:list-list")


def users_of(found: List) -> QuerySet[Broadcast]:
    """Broadcasts that would lose their recipients with the list."""
    return Broadcast.objects.filter(lists=found, status__in=[Broadcast.Status.DRAFT, *UNDER_WAY])


def find_readable_list(request: HttpRequest, pk: int) -> List:
    """Also one that another school published."""
    lists = List.objects.readable_by(signed_in_user(request)).select_related("school", "created_by")
    return get_object_or_404(lists, pk=pk)


def find_list(request: HttpRequest, pk: int) -> List:
    """One that the user may change."""
    lists = List.objects.visible_to(signed_in_user(request)).select_related("school", "created_by")
    return get_object_or_404(lists, pk=pk)
