"""Who is on a static list: by name, pasted, or everybody who fits some rules; and who leaves it."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from django_tables2 import RequestConfig

from broadcasts.models import List, Person
from broadcasts.people.forms import FindPeopleForm
from broadcasts.people.lists.definitions import Definition
from broadcasts.people.lists.membership import add_people, people_by_number, remove_people
from broadcasts.people.lists.pasting import MOST_LINES, Pasted, TooManyLines, match_lines
from broadcasts.people.lists.resolving import contacts_of
from broadcasts.people.lists.rule_rows import RuleRows
from broadcasts.people.tables import ChoiceTable, with_addresses
from broadcasts.roles import signed_in_user
from broadcasts.views.list_editing import describe_count
from broadcasts.views.lists import PEOPLE_PER_PAGE, find_list

MOST_FOUND = 50


def find_static_list(request: HttpRequest, pk: int) -> List:
    found = find_list(request, pk)
    if found.is_by_rules:
        raise Http404
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def list_people(request: HttpRequest, pk: int) -> HttpResponse:
    """Its members; who is ticked leaves it."""
    found = find_static_list(request, pk)
    if request.method == "POST":
        chosen = people_by_number(found.people.all(), request.POST.getlist("person"))
        number = remove_people(found, list(chosen.values_list("pk", flat=True)), signed_in_user(request))
        _tell_removed(request, number)
        return redirect(request.get_full_path())
    form = FindPeopleForm(request.GET or None)
    table = ChoiceTable(with_addresses(form.filter(found.people.all())), empty_text=_("Nobody is called so."))
    RequestConfig(request, paginate={"per_page": PEOPLE_PER_PAGE, "silent": True}).configure(table)
    context = {"list": found, "form": form, "table": table, "count": found.members.count()}
    return render(request, "broadcasts/list_people.html", context)


def _tell_removed(request: HttpRequest, number: int) -> None:
    if not number:
        messages.warning(request, _("Nobody was removed: tick the people who are to leave the list."))
        return
    words = ngettext(
        "%(number)s person left the list and stays in the directory.",
        "%(number)s people left the list and stay in the directory.",
        number,
    )
    messages.success(request, words % {"number": f"{number:,}"})


@require_http_methods(["GET", "HEAD", "POST"])
def list_add(request: HttpRequest, pk: int) -> HttpResponse:
    """By search, or pasted."""
    found = find_static_list(request, pk)
    user = signed_in_user(request)
    everybody = Person.objects.visible_to(user)
    pasted, lines = None, ""
    if request.method == "POST" and request.POST.get("action") == "paste":
        lines = request.POST.get("lines", "")
        pasted = _paste(request, found, everybody, lines)
        lines = pasted.left if pasted else lines
    elif request.method == "POST":
        chosen = people_by_number(everybody, request.POST.getlist("person"))
        _tell_added(request, add_people(found, chosen, user, _("by name")))
        return redirect(request.get_full_path())
    form = FindPeopleForm(request.GET or None)
    context = {"list": found, "form": form, "pasted": pasted, "lines": lines, "most": MOST_FOUND}
    if request.GET.get("q"):
        missing = form.filter(everybody.filter(is_active=True)).exclude(memberships__list=found)
        context["table"] = ChoiceTable(
            with_addresses(missing.order_by("name", "pk"))[:MOST_FOUND],
            empty_text=_("Nobody else has that name or address."),
        )
    return render(request, "broadcasts/list_add.html", context)


def _paste(request: HttpRequest, found: List, everybody: QuerySet[Person], lines: str) -> Pasted | None:
    try:
        pasted = match_lines(lines, everybody)
    except TooManyLines:
        words = _("These are too many lines at once. Paste at most %(most)s, or upload them as a file.")
        messages.error(request, words % {"most": f"{MOST_LINES:,}"})
        return None
    joining = everybody.filter(pk__in=pasted.found)
    _tell_added(request, add_people(found, joining, signed_in_user(request), _("by pasting")), pasted)
    return pasted


def _tell_added(request: HttpRequest, number: int, pasted: Pasted | None = None) -> None:
    if number:
        words = ngettext("%(number)s person joined the list.", "%(number)s people joined the list.", number)
        messages.success(request, words % {"number": f"{number:,}"})
    elif pasted is None or pasted.found:
        messages.info(request, _("Nobody joined: they are on the list already, or nobody was chosen."))


@require_http_methods(["GET", "HEAD", "POST"])
def list_fill(request: HttpRequest, pk: int) -> HttpResponse:
    """Everybody who fits some rules today joins; who comes to fit them later does not."""
    found = find_static_list(request, pk)
    user = signed_in_user(request)
    rows = RuleRows.of_form(request.POST)
    action = request.POST.get("action", "")
    rows.press(action, request.POST)
    rows.offer(found.school, user.schools)
    fitting = Definition(found.school_id, is_by_rules=True, rules=rows.complete)
    if action == "fill" and rows.is_valid() and rows.rows:
        number = add_people(found, contacts_of(fitting), user, _("by rules"))
        _tell_added(request, number)
        return redirect("broadcasts:list-detail", pk)
    context = {"list": found, "rows": rows, "rule_fields": rows.fields(user.schools)}
    context |= describe_count(fitting, rows, found.school)
    if request.headers.get("HX-Request"):
        return render(request, "broadcasts/list_count.html", context)
    return render(request, "broadcasts/list_fill.html", context, status=422 if action == "fill" else 200)
