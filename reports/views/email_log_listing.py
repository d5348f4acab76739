"""The people of rows of the Email Log come on a new list; with it a follow-up is started, or not. Nothing is sent."""

from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from broadcasts.composing.following_up import find_follow_up, follow_up_subject, start_follow_up
from broadcasts.gathering import Gathered, gathered_contacts
from broadcasts.models import Broadcast, List, School
from broadcasts.people.lists.from_log import (
    Asked,
    NameTaken,
    gone_from,
    make_list_of,
    people_of,
    strangers_of,
)
from broadcasts.people.lists.words import people_in_words
from reports.email_log.acting import ListOfRowsForm, SchoolOfRowsForm
from reports.email_log.chosen import ChosenRows
from reports.views.email_log_acting import on_rows, way_back


@dataclass
class Listing:
    """What is to be made of the rows of one school."""

    chosen: ChosenRows
    school: School
    follows_up: bool

    def __post_init__(self) -> None:
        self.user = self.chosen.user

    @cached_property
    def original(self) -> Broadcast | None:
        """What a follow-up follows; None when the rows are of several."""
        return self.chosen.broadcast_of(self.school) if self.follows_up else None

    @property
    def name(self) -> str:
        words = self.chosen.in_words
        return follow_up_subject(words) if self.follows_up else words

    @transaction.atomic
    def make(self, contacts: Gathered, form: ListOfRowsForm) -> tuple[List, Broadcast | None]:
        """The list, and the draft when one is wanted; the same press again finds them. May raise NameTaken."""
        said = form.cleaned_data
        asked = Asked(self.school, said["name"], said["press"], self.chosen.details)
        made, is_new = make_list_of(contacts, asked, self.user)
        if not self.follows_up:
            return made, None
        draft = start_follow_up(made, self.original, self.user) if is_new else find_follow_up(made, self.user)
        return made, draft

    def about(self, contacts: Gathered) -> dict[str, object]:
        """For the page."""
        return {
            "people": people_of(contacts, self.user, self.school).count(),
            "gone": gone_from(contacts),
            "strangers": strangers_of(contacts, self.school),
            "rows": self.chosen.count_of_school(self.school),
        }


@on_rows
def email_log_list(request: HttpRequest, chosen: ChosenRows) -> HttpResponse:
    return _answer(request, chosen, follows_up=False)


@on_rows
def email_log_follow_up(request: HttpRequest, chosen: ChosenRows) -> HttpResponse:
    return _answer(request, chosen, follows_up=True)


def _answer(request: HttpRequest, chosen: ChosenRows, *, follows_up: bool) -> HttpResponse:
    context = {"chosen": chosen, "follows_up": follows_up, "back": way_back(chosen)}
    schools = chosen.schools
    if len(schools) != 1:
        choice = SchoolOfRowsForm(request.GET if "of_school" in request.GET else None, schools)
        if not choice.is_valid():
            status = 422 if choice.is_bound else 200
            return render(request, "reports/log_school.html", context | {"form": choice}, status=status)
        schools = [choice.cleaned_data["of_school"]]
    listing = Listing(chosen, schools[0], follows_up)
    form = ListOfRowsForm(request.POST if request.method == "POST" else None, listing.name)
    with gathered_contacts(chosen.of_school(listing.school)) as contacts:
        about = listing.about(contacts)
        made = _make(listing, contacts, form) if about["people"] else None
    if made:
        return _lead_on(request, *made)
    context |= {"listing": listing, "form": form, **about}
    return render(request, "reports/log_list.html", context, status=422 if form.is_bound else 200)


def _make(listing: Listing, contacts: Gathered, form: ListOfRowsForm) -> tuple[List, Broadcast | None] | None:
    if not form.is_valid():
        return None
    try:
        return listing.make(contacts, form)
    except NameTaken:
        form.add_error("name", _("There is a list of this name. Take another name."))
        return None


def _lead_on(request: HttpRequest, made: List, draft: Broadcast | None) -> HttpResponse:
    words = {"list": made, "people": people_in_words(made.members.count())}
    if draft is None:
        messages.success(request, _("The list “%(list)s” has %(people)s.") % words)
        return redirect("broadcasts:list-detail", made.pk)
    messages.success(
        request, _("This draft goes to the new list “%(list)s” with %(people)s. Nothing is sent yet.") % words
    )
    return redirect("broadcasts:broadcast-edit", draft.pk)
