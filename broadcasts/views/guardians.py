"""The guardians of a student: adding, changing and removing one."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from broadcasts.forms.guardians import GuardianForm, RelationForm, RemovalForm
from broadcasts.models import Guardianship, Person, School, User
from broadcasts.people.relating import (
    AlreadyGuardian,
    NewGuardian,
    add_guardian,
    add_new_guardian,
    change_guardian,
    remove_guardian,
)
from broadcasts.roles import signed_in_user
from broadcasts.views.people import find_person


@require_http_methods(["GET", "HEAD", "POST"])
def guardian_add(request: HttpRequest, pk: int) -> HttpResponse:
    """GET finds people by `q`; POST makes one of them, or somebody new, a guardian of this student."""
    student, user = find_person(request, pk), signed_in_user(request)
    if student.kind != Person.Kind.STUDENT:
        raise Http404
    text = (request.POST if request.method == "POST" else request.GET).get("q", "")[:200]
    form = GuardianForm(request.POST if request.method == "POST" else None, student=student, user=user, text=text)
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "person": student, "text": text}
        return render(request, "broadcasts/guardian_add.html", context, status=422 if form.is_bound else 200)
    try:
        made = _add(student, form, user)
    except AlreadyGuardian:
        messages.info(request, _("This person is a guardian of %(student)s already.") % {"student": student})
    else:
        words = _("%(guardian)s is a guardian of %(student)s now.")
        messages.success(request, words % {"guardian": made.guardian, "student": student})
    return redirect("broadcasts:person-detail", pk)


def _add(student: Person, form: GuardianForm, user: User) -> Guardianship:
    if form.chosen:
        return add_guardian(student, form.chosen, form.relation, by=user)
    school = _school_of(student, user)
    new = NewGuardian(school, form.cleaned_data["name"], student.language, form.cleaned_data["address"])
    return add_new_guardian(student, new, form.relation, by=user)


def _school_of(student: Person, user: User) -> School:
    """Of the student's schools one that this user works for, the home school first."""
    if user.schools.filter(pk=student.school_id).exists():
        return student.school
    return user.schools.filter(pk__in=student.other_schools.values("pk"))[:1].get()


@require_http_methods(["GET", "HEAD", "POST"])
def guardian_edit(request: HttpRequest, pk: int) -> HttpResponse:
    relation = _find_relation(request, pk)
    initial = {name: getattr(relation, name) for name in ("category", "priority", "do_not_contact")}
    form = RelationForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "relation": relation}
        return render(request, "broadcasts/guardian_edit.html", context, status=422 if form.is_bound else 200)
    if change_guardian(relation, form.changes, reason=form.reason_given, by=signed_in_user(request)):
        messages.success(request, _("The changes are saved."))
    return redirect("broadcasts:person-detail", relation.student_id)


@require_http_methods(["GET", "HEAD", "POST"])
def guardian_remove(request: HttpRequest, pk: int) -> HttpResponse:
    relation = _find_relation(request, pk)
    form = RemovalForm(request.POST if request.method == "POST" else None)
    if not relation.do_not_contact:
        form.fields.clear()
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "relation": relation}
        return render(request, "broadcasts/guardian_remove.html", context, status=422 if form.is_bound else 200)
    reason = form.cleaned_data.get("reason", "")
    if remove_guardian(relation, reason=reason, by=signed_in_user(request)):
        words = _("%(guardian)s is no longer a guardian of %(student)s.")
        messages.success(request, words % {"guardian": relation.guardian, "student": relation.student})
    return redirect("broadcasts:person-detail", relation.student_id)


def _find_relation(request: HttpRequest, pk: int) -> Guardianship:
    """By the student: who may see the student sees the whole family's relations."""
    students = Person.objects.visible_to(signed_in_user(request)).order_by()
    relations = Guardianship.objects.select_related("student__school", "guardian__school")
    return get_object_or_404(relations.filter(student__in=students), pk=pk)
