"""Making and changing a list: what it says, with a count that follows while it is edited."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from broadcasts.composing.forms import SchoolForm
from broadcasts.models import List, ListRule, Person, School, User
from broadcasts.people.lists.circles import explain_circle
from broadcasts.people.lists.definitions import Definition, load_definitions
from broadcasts.people.lists.forms import ListForm
from broadcasts.people.lists.resolving import SAMPLE, count_people, people_of
from broadcasts.people.lists.rule_rows import RuleRows
from broadcasts.people.lists.saving import CannotSave, save_list
from broadcasts.roles import signed_in_user
from broadcasts.views.lists import find_list


class Editor:
    """The page's state: of the stored list, or as its form was sent."""

    def __init__(self, request: HttpRequest, found: List) -> None:
        self.user = signed_in_user(request)
        self.found = found
        self.stored = (
            load_definitions([found.pk])[found.pk]
            if found.pk
            else Definition(found.school_id, is_by_rules=found.is_by_rules)
        )
        self.schools = self._schools()
        self.action = request.POST.get("action", "save") if request.method == "POST" else ""
        if not self.action:
            self.form = ListForm(found=found, definition=self.stored)
            self.rows, self.definition = RuleRows.of_rules(self.stored.rules), self.stored
            self.rows.offer(found.school, self.schools)
        else:
            self._read(request)

    def _read(self, request: HttpRequest) -> None:
        self.rows = RuleRows.of_form(request.POST)
        self.rows.press(self.action, request.POST)
        self.rows.offer(self.found.school, self.schools)
        self.form = ListForm(request.POST, found=self.found, definition=self.stored)
        self.form.is_valid()
        self.definition = self.form.definition(self.rows.complete)
        if self.action != "save":
            # Nobody has said that the form is finished: what is missing is not an error yet.
            shown = List(pk=self.found.pk, school=self.found.school, name=request.POST.get("name", "")[:200])
            self.form = ListForm(found=shown, definition=self.definition)

    def _schools(self) -> list[School]:
        """What a rule may name: the user's schools, and what an administrator has named in this list before."""
        named = {value for rule in self.stored.rules if rule.field == ListRule.Field.SCHOOL for value in rule.values}
        own = self.user.schools
        return [*own, *School.objects.filter(pk__in=named).exclude(pk__in=own.values("pk"))]

    def save(self) -> bool:
        """False: the form says why not."""
        is_complete = self.rows.is_valid()
        if not (self.form.is_valid() and is_complete):
            return False
        wanted = self.form.definition(self.rows.rules)
        try:
            save_list(self.found, self.form.cleaned_data["name"], wanted, self.user)
        except CannotSave as reason:
            self.form.add_error("included", str(reason))
            return False
        return True


@require_http_methods(["GET", "HEAD", "POST"])
def list_new(request: HttpRequest) -> HttpResponse:
    """`?kind=rules` or static; `?school=` for users of several."""
    user = signed_in_user(request)
    school = _chosen_school(request, user)
    if school is None:
        form = SchoolForm(schools=user.schools)
        return render(request, "broadcasts/list_new.html", {"form": form, "kind": request.GET.get("kind", "")})
    return _edit(request, _new_list(request, school))


@require_http_methods(["GET", "HEAD", "POST"])
def list_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _edit(request, find_list(request, pk))


def _edit(request: HttpRequest, found: List) -> HttpResponse:
    is_new, name = found.pk is None, found.name
    editor = Editor(request, found)
    if editor.action == "save" and editor.save():
        messages.success(request, _("The list “%(list)s” is saved.") % {"list": found})
        page = "broadcasts:list-add" if is_new and not found.is_by_rules else "broadcasts:list-detail"
        return redirect(page, found.pk)
    context = {
        "editor": editor,
        "list": found,
        "name": name,
        "form": editor.form,
        "rule_fields": editor.rows.fields(editor.schools),
        "query": request.GET.urlencode() if is_new else f"list={found.pk}",
    }
    status = 422 if editor.action == "save" else 200
    return render(request, "broadcasts/list_edit.html", context | count_context(editor), status=status)


@require_POST
def list_count(request: HttpRequest) -> HttpResponse:
    """The part of the page that follows its form; without JavaScript its button Count does the same."""
    if number := request.GET.get("list", ""):
        if not number.isdecimal() or len(number) > 18:
            raise Http404
        found = find_list(request, int(number))
    else:
        school = _chosen_school(request, signed_in_user(request))
        if school is None:
            raise Http404
        found = _new_list(request, school)
    editor = Editor(request, found)
    return render(request, "broadcasts/list_count.html", count_context(editor))


def count_context(editor: Editor) -> dict[str, object]:
    circle = explain_circle(editor.found, editor.definition.parts)
    return describe_count(editor.definition, editor.rows, editor.found.school) | {"circle": circle}


def describe_count(definition: Definition, rows: RuleRows, school: School) -> dict[str, object]:
    """For `list_count.html`: how many people that would be now, and some of them."""
    count = count_people(people_of(definition), SAMPLE)
    return {
        "count": count,
        "sample": Person.objects.filter(pk__in=count.sample).order_by("name", "pk"),
        "unfinished": [row.label for row in rows.rows if not row.values],
        "is_everybody": definition.is_by_rules and not rows.rows,
        "school": school,
    }


def _chosen_school(request: HttpRequest, user: User) -> School | None:
    """The one in the address, else the only one."""
    asked = request.GET.get("school", "")
    if asked.isdecimal() and len(asked) < 19:
        return user.schools.filter(pk=int(asked)).first()
    schools = list(user.schools[:2])
    return schools[0] if len(schools) == 1 else None


def _new_list(request: HttpRequest, school: School) -> List:
    return List(school=school, is_by_rules=request.GET.get("kind") == "rules")
