"""Lists of people: all of them, one of them, and its end."""

from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_tables2 import RequestConfig

from broadcasts import audit
from broadcasts.models import UNDER_WAY, Broadcast, ContactType, List, Upload
from broadcasts.people.applying import discard_forgotten_uploads
from broadcasts.people.forms import FindPeopleForm
from broadcasts.people.tables import ListTable, PeopleTable
from broadcasts.roles import signed_in_user

LISTS_PER_PAGE = 25
PEOPLE_PER_PAGE = 50


@require_safe
def list_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    discard_forgotten_uploads(user.schools, timezone.now())
    lists = List.objects.visible_to(user).select_related("school", "created_by")
    several_schools = user.schools.count() > 1
    table = ListTable(lists, exclude=() if several_schools else ("school",))
    RequestConfig(request, paginate={"per_page": LISTS_PER_PAGE, "silent": True}).configure(table)
    uploads = Upload.objects.visible_to(user).select_related("uploaded_by", "school")
    waiting = uploads.filter(status=Upload.Status.CHECKING)
    context = {"table": table, "has_any": lists.exists(), "waiting": waiting.order_by("-pk")[:5]}
    return render(request, "broadcasts/list_list.html", context)


@require_safe
def list_detail(request: HttpRequest, pk: int) -> HttpResponse:
    found = find_list(request, pk)
    form = FindPeopleForm(request.GET or None)
    people = form.filter(found.people.all())
    receiving = ContactType.objects.filter(receives=True, broadcast_type__is_active=True)
    receiving = receiving.select_related("broadcast_type").order_by(
        "broadcast_type__position", "broadcast_type__name"
    )
    table = PeopleTable(people.prefetch_related("addresses", Prefetch("addresses__contact_types", receiving)))
    RequestConfig(request, paginate={"per_page": PEOPLE_PER_PAGE, "silent": True}).configure(table)
    count = found.members.count()
    context = {
        "list": found,
        "count": count,
        "inactive_count": found.people.filter(is_active=False).count(),
        "form": form,
        "table": table,
    }
    return render(request, "broadcasts/list_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def list_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Its people stay in the directory, and what was sent to them in the Email Log."""
    found = find_list(request, pk)
    if request.method != "POST":
        context = {"list": found, "count": found.members.count(), "users": users_of(found)}
        return render(request, "broadcasts/list_delete.html", context)
    with transaction.atomic():
        # Who adds the list to a draft at this moment waits, and finds it gone.
        List.objects.select_for_update().filter(pk=found.pk).first()
        if users_of(found).exists():
            return redirect("broadcasts:list-delete", pk)
        audit.record(signed_in_user(request), "list.deleted", found, school=found.school)
        found.delete()
    messages.success(request, _("The list “%s” was deleted. Its people are still in the directory.") % found.name)
    return redirect("broadcasts:list-list")


def users_of(found: List) -> QuerySet[Broadcast]:
    """Broadcasts that would lose their recipients with the list."""
    return Broadcast.objects.filter(lists=found, status__in=[Broadcast.Status.DRAFT, *UNDER_WAY])


def find_list(request: HttpRequest, pk: int) -> List:
    lists = List.objects.visible_to(signed_in_user(request)).select_related("school", "created_by")
    return get_object_or_404(lists, pk=pk)
