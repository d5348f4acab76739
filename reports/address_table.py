"""The page “Addresses to fix” as a table; what a row tells is read for the rows of one page only."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import django_tables2 as tables
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest
from django.template.loader import get_template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.models import Broadcast, EmailAddress, Person
from broadcasts.templatetags.messenger import moment
from reports.addresses_to_fix import AddressesToFix, ToFix, runs_of

NUMBER = {"td": {"class": "number"}, "th": {"class": "number"}}


class AddressTable(tables.Table):  # type: ignore[misc]
    caption = gettext_lazy("Whose last email failed most recently stands first")

    person = tables.Column(verbose_name=gettext_lazy("Person"), empty_values=(), attrs={"td": {"class": "long"}})
    address = tables.Column(verbose_name=gettext_lazy("Address"), empty_values=(), attrs={"td": {"class": "longest"}})
    happened = tables.Column(verbose_name=gettext_lazy("What happened"), empty_values=())
    since = tables.Column(verbose_name=gettext_lazy("Since"), empty_values=(), attrs={"td": {"class": "nowrap"}})
    missed = tables.Column(verbose_name=gettext_lazy("Missed"), empty_values=(), attrs=NUMBER)
    last = tables.Column(
        verbose_name=gettext_lazy("Last broadcast"), empty_values=(), attrs={"td": {"class": "long"}}
    )

    class Meta:
        orderable = False

    def __init__(
        self, rows: Sequence[ToFix], source: AddressesToFix, *, shows_school: bool, may_correct: bool
    ) -> None:
        super().__init__(rows)
        self.source = source
        self.shows_school, self.may_correct = shows_school, may_correct
        self.cell = get_template("reports/address_cell.html")
        self.reason_cell = get_template("reports/reason_cell.html")
        self.request: HttpRequest | None = None

    def before_render(self, request: HttpRequest) -> None:
        self.request = request
        shown = [row.record.address for row in self.paginated_rows]
        confirmed = {suspect.pk: suspect.confirmed_at for suspect in shown}
        self.runs = runs_of(self.source.deliveries, confirmed)
        self.addresses = EmailAddress.objects.select_related("person__school").in_bulk(list(confirmed))
        self.broadcasts = Broadcast.objects.in_bulk([run.last for run in self.runs.values()])

    def _person(self, record: ToFix) -> Person:
        return self.addresses[record.address.pk].person

    def render_person(self, record: ToFix) -> SafeString:
        person = self._person(record)
        name = format_html('<a href="{}">{}</a>', person_page(person), person.name)
        if not self.shows_school:
            return name
        return format_html("{}<div><small>{}</small></div>", name, person.school)

    def render_address(self, record: ToFix) -> str:
        address = self.addresses[record.address.pk]
        context = {"address": address, "may_correct": self.may_correct}
        return self.cell.render(context, self.request)

    def render_happened(self, record: ToFix) -> str:
        return self.reason_cell.render({"reason": record.reason, "is_late": record.is_late}, self.request)

    def render_since(self, record: ToFix) -> str:
        run = self.runs.get(record.address.pk)
        if run is None:
            return _("never written to")
        with timezone.override(ZoneInfo(self._person(record).school.time_zone)):
            return moment(run.since)

    def render_missed(self, record: ToFix) -> str:
        run = self.runs.get(record.address.pk)
        return intcomma(run.missed) if run else "0"

    def render_last(self, record: ToFix) -> SafeString | str:
        run = self.runs.get(record.address.pk)
        if run is None:
            return ""
        broadcast = self.broadcasts[run.last]
        return format_html('<a href="{}">{}</a>', reverse("broadcasts:broadcast-detail", args=[run.last]), broadcast)


def person_page(person: Person) -> str:
    """The directory's page where there is one, else the family's."""
    try:
        return reverse("broadcasts:person-detail", args=[person.pk])
    except NoReverseMatch:
        return reverse("reports:family", args=[person.pk])
