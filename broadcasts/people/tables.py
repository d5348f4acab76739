"""Lists, and the people of a list with what they receive."""

from collections.abc import Collection, Iterator

import django_tables2 as tables
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.models import ContactType, EmailAddress, List, Person
from broadcasts.people.lists.sizes import later, size_of
from broadcasts.people.lists.words import language_name
from broadcasts.templatetags.messenger import moment


class ListTable(tables.Table):  # type: ignore[misc]
    caption = gettext_lazy("Lists in order of their names")

    name = tables.Column(verbose_name=gettext_lazy("List"))
    school = tables.Column()
    kind = tables.Column(verbose_name=gettext_lazy("Kind"), empty_values=())
    people = tables.Column(
        verbose_name=gettext_lazy("People"),
        empty_values=(),
        attrs={"th": {"class": "number"}, "td": {"class": "number"}},
    )
    created_at = tables.Column(verbose_name=gettext_lazy("Made"))

    class Meta:
        orderable = False

    def render_name(self, record: List) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("broadcasts:list-detail", args=[record.pk]), record.name)

    def render_kind(self, record: List) -> SafeString:
        words = _("by rules") if record.is_by_rules else _("static")
        published = format_html(' <span class="pill accent">{}</span>', _("published")) if record.is_published else ""
        return format_html("<span>{}{}</span>", words, published)

    def render_people(self, record: List) -> SafeString | str:
        size = size_of(record)
        return later(record) if size is None else intcomma(size)

    def render_created_at(self, record: List) -> SafeString | str:
        if record.created_by is None:
            return moment(record.created_at, record.school)
        when = format_html('<span class="nowrap">{}</span>', moment(record.created_at, record.school))
        return format_html(_("{when} by {who}"), when=when, who=record.created_by.display_name)


class PeopleTable(tables.Table):  # type: ignore[misc]
    caption = gettext_lazy("People of this list in order of their names")

    held_back: Collection[int] = ()  # the keys of those of this page who are
    may_open: Collection[int] = ()  # whose own pages the reader may see

    name = tables.Column(verbose_name=gettext_lazy("Name"), attrs={"td": {"class": "long"}})
    kind = tables.Column(verbose_name=gettext_lazy("Kind"))
    grade = tables.Column(verbose_name=gettext_lazy("Grade"))
    language = tables.Column(verbose_name=gettext_lazy("Language"))
    addresses = tables.Column(
        verbose_name=gettext_lazy("Addresses and what they receive"),
        empty_values=(),
        attrs={"td": {"class": "widest"}},
    )

    class Meta:
        orderable = False

    def render_name(self, record: Person) -> SafeString | str:
        name = self._linked_name(record)
        if not record.is_active:
            return format_html('{} <span class="pill">{}</span>', name, _("not active"))
        if record.pk in self.held_back:
            return format_html('{} <span class="pill danger">{}</span>', name, _("do not contact"))
        return name

    def _linked_name(self, record: Person) -> SafeString | str:
        if record.pk not in self.may_open:
            return record.name
        return format_html('<a href="{}">{}</a>', reverse("broadcasts:person-detail", args=[record.pk]), record.name)

    def render_language(self, record: Person) -> str:
        return language_name(record.language)

    def render_addresses(self, record: Person) -> SafeString:
        lines = [(address.address, said) for address in record.addresses.all() for said in [_receives(address)]]
        if not lines:
            return format_html('<span class="muted">{}</span>', _("No email address"))
        return format_html_join("", "<div>{} {}</div>", lines)


class ChoiceTable(PeopleTable):
    """In a form: who is ticked is meant."""

    caption = gettext_lazy("People in order of their names")

    chosen = tables.Column(verbose_name=gettext_lazy("Choose"), empty_values=())

    class Meta:
        orderable = False
        sequence = ("chosen", "...")

    def render_chosen(self, record: Person) -> SafeString:
        box = '<input type="checkbox" name="person" value="{}" aria-label="{}">'
        return format_html(box, record.pk, _("Choose %(name)s") % {"name": record.name})


def with_addresses(people: QuerySet[Person]) -> QuerySet[Person]:
    """What the tables show, in three queries for a page."""
    receiving = ContactType.objects.coming().filter(broadcast_type__is_active=True)
    receiving = receiving.select_related("broadcast_type").order_by(
        "broadcast_type__position", "broadcast_type__name"
    )
    in_use = EmailAddress.objects.filter(is_active=True)
    return people.prefetch_related(Prefetch("addresses", in_use), Prefetch("addresses__contact_types", receiving))


def _receives(address: EmailAddress) -> SafeString:
    if not address.is_valid:
        return format_html('<span class="pill error">{}</span>', _("not a valid address"))
    names = ", ".join(_type_names(address))
    return format_html('<span class="muted">{}</span>', names or _("receives nothing"))


def _type_names(address: EmailAddress) -> Iterator[str]:
    """By the choices that the page fetched together; the family's own are marked."""
    for choice in address.contact_types.all():
        yield choice.broadcast_type.name
