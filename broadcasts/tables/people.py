"""The directory's people, each with addresses and what these receive."""

import django_tables2 as tables
from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.models import ContactType, EmailAddress, Guardianship, Person
from broadcasts.templatetags.messenger import language_name


def with_contacts(people: QuerySet[Person]) -> QuerySet[Person]:
    """All that a row shows, in a few queries for a page."""
    receiving = ContactType.objects.coming().filter(broadcast_type__is_active=True)
    receiving = receiving.select_related("broadcast_type")
    in_use = EmailAddress.objects.filter(is_active=True).prefetch_related(
        Prefetch("contact_types", receiving.order_by("broadcast_type__position", "broadcast_type__name"))
    )
    marked = Guardianship.objects.filter(do_not_contact=True)
    return people.prefetch_related(
        "school",  # joined, it would be sorted along with everybody
        "other_schools",
        Prefetch("addresses", in_use, to_attr="in_use"),
        Prefetch("wards", marked, to_attr="marks"),
    )


class PersonTable(tables.Table):  # type: ignore[misc]
    caption = gettext_lazy("People in order of their names")

    name = tables.Column(verbose_name=gettext_lazy("Name"), attrs={"td": {"class": "long"}})
    kind = tables.Column(verbose_name=gettext_lazy("Kind"))
    grade = tables.Column(verbose_name=gettext_lazy("Grade"), empty_values=())
    school = tables.Column(verbose_name=gettext_lazy("School"), attrs={"td": {"class": "long"}})
    language = tables.Column(verbose_name=gettext_lazy("Language"))
    addresses = tables.Column(
        verbose_name=gettext_lazy("Addresses and what they receive"),
        empty_values=(),
        attrs={"td": {"class": "widest"}},
    )

    class Meta:
        orderable = False

    def render_name(self, record: Person) -> SafeString:
        pills = [("", _("not active"))] if not record.is_active else []
        if record.marks:  # type: ignore[attr-defined]
            pills.append((" danger", _("do not contact")))
        name = format_html('<a href="{}">{}</a>', reverse("broadcasts:person-detail", args=[record.pk]), record.name)
        return format_html("<div>{}{}</div>", name, format_html_join("", ' <span class="pill{}">{}</span>', pills))

    def render_grade(self, record: Person) -> str:
        return record.grade

    def render_school(self, record: Person) -> str:
        return ", ".join([record.school.name, *(school.name for school in record.other_schools.all())])

    def render_language(self, record: Person) -> str:
        return language_name(record.language)

    def render_addresses(self, record: Person) -> SafeString:
        lines = [(address.address, _receives(address)) for address in record.in_use]  # type: ignore[attr-defined]
        if not lines:
            return format_html('<span class="muted">{}</span>', _("No email address"))
        return format_html("<div>{}</div>", format_html_join("", "<div>{} {}</div>", lines))


def _receives(address: EmailAddress) -> SafeString:
    if not address.is_valid:
        return format_html('<span class="pill error">{}</span>', _("not a valid address"))
    names = ", ".join(choice.broadcast_type.name for choice in address.contact_types.all())
    return format_html('<span class="muted">{}</span>', names or _("receives nothing"))
