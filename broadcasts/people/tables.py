"""Lists, and the people of a list with what they receive."""

from collections.abc import Iterator

import django_tables2 as tables
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.models import EmailAddress, List, ListMember, Person
from broadcasts.templatetags.messenger import moment


class ListTable(tables.Table):  # type: ignore[misc]
    caption = gettext_lazy("Lists in order of their names")

    name = tables.Column(verbose_name=gettext_lazy("List"))
    school = tables.Column()
    people = tables.Column(
        verbose_name=gettext_lazy("People"),
        empty_values=(),
        attrs={"th": {"class": "number"}, "td": {"class": "number"}},
    )
    created_at = tables.Column(verbose_name=gettext_lazy("Made"))

    class Meta:
        orderable = False

    def before_render(self, request: object) -> None:  # noqa: ARG002
        """Counts the people of the lists of this page only."""
        shown = [row.record.pk for row in self.paginated_rows]
        members: QuerySet[ListMember] = ListMember.objects.filter(list__in=shown).order_by()
        self.counts = dict(members.values_list("list").annotate(Count("pk")))

    def render_name(self, record: List) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("broadcasts:list-detail", args=[record.pk]), record.name)

    def render_people(self, record: List) -> str:
        return intcomma(self.counts.get(record.pk, 0))

    def render_created_at(self, record: List) -> SafeString | str:
        if record.created_by is None:
            return moment(record.created_at, record.school)
        when = format_html('<span class="nowrap">{}</span>', moment(record.created_at, record.school))
        return format_html(_("{when} by {who}"), when=when, who=record.created_by.display_name)


class PeopleTable(tables.Table):  # type: ignore[misc]
    caption = gettext_lazy("People of this list in order of their names")

    name = tables.Column(verbose_name=gettext_lazy("Name"))
    kind = tables.Column(verbose_name=gettext_lazy("Kind"))
    language = tables.Column(verbose_name=gettext_lazy("Language"))
    addresses = tables.Column(verbose_name=gettext_lazy("Addresses and what they receive"), empty_values=())

    class Meta:
        orderable = False

    def render_name(self, record: Person) -> SafeString | str:
        if record.is_active:
            return record.name
        return format_html('{} <span class="pill">{}</span>', record.name, _("not active"))

    def render_addresses(self, record: Person) -> SafeString:
        lines = [(address.address, said) for address in record.addresses.all() for said in [_receives(address)]]
        if not lines:
            return format_html('<span class="muted">{}</span>', _("No email address"))
        return format_html_join("", "<div>{} {}</div>", lines)


def _receives(address: EmailAddress) -> SafeString:
    if not address.is_valid:
        return format_html('<span class="pill error">{}</span>', _("not a valid address"))
    names = ", ".join(_type_names(address))
    return format_html('<span class="muted">{}</span>', names or _("receives nothing"))


def _type_names(address: EmailAddress) -> Iterator[str]:
    """By the choices that the page fetched together; the family's own are marked."""
    for choice in address.contact_types.all():
        yield choice.broadcast_type.name
