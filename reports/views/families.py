from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from broadcasts.models import Broadcast, Person, User
from broadcasts.people.finding import find_people
from broadcasts.roles import signed_in_user
from reports.email_log.table import numbered_page
from reports.family import everything_sent_to, group_by_student, household_of
from reports.why_not import answers_for, broadcasts_to_ask_about

ROWS_PER_PAGE = 50
MOST_FOUND = 50


@require_safe
def family_find(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    text = request.GET.get("q", "").strip()[:200]
    found = list(find_people(user, text).select_related("school")[: MOST_FOUND + 1]) if text else []
    context = {
        "text": text,
        "groups": group_by_student(found[:MOST_FOUND], user),
        "has_more": len(found) > MOST_FOUND,
        "most": MOST_FOUND,
        "shows_school": user.schools.count() > 1,
    }
    return render(request, "reports/family_find.html", context)


@require_safe
def family(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in_user(request)
    person = get_object_or_404(Person.objects.visible_to(user).select_related("school"), pk=pk)
    members = household_of(person, user)
    rows = everything_sent_to(members, user)
    table = numbered_page(rows, request.GET.get("sort", ""), request.GET.get("page", "1"), ROWS_PER_PAGE)
    subject = request.GET.get("subject", "").replace("\0", "").strip()[:255]
    asked = _asked_about(request, user)
    context = {
        "person": person,
        "members": members,
        "shows_school": user.schools.count() > 1,
        "table": table,
        "subject": subject,
        "broadcasts": broadcasts_to_ask_about(user, subject),
        "asked": asked,
        "answers": answers_for(asked, [member.person for member in members]) if asked else [],
    }
    return render(request, "reports/family.html", context)


def _asked_about(request: HttpRequest, user: User) -> Broadcast | None:
    """The broadcast that should have come. One that is not the user's is as if it did not exist."""
    number = request.GET.get("broadcast", "")
    if not (number.isascii() and number.isdigit()) or len(number) > 18:
        return None
    prepared = Broadcast.objects.visible_to(user).filter(prepared_at__isnull=False)
    return prepared.select_related("school", "broadcast_type").prefetch_related("lists").filter(pk=number).first()
