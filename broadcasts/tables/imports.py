"""Imports, and the people of one import by what it would do to them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import django_tables2 as tables
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from broadcasts.models import Import, ImportedTypes, School, StagedAddress, StagedGuardian, StagedPerson
from broadcasts.people.importing.differing import (
    Switched,
    differences,
    guardian_words,
    kind_label,
    type_differences,
)
from broadcasts.people.importing.sections import Section
from broadcasts.templatetags.messenger import moment

NUMBER = {"th": {"class": "number"}, "td": {"class": "number"}}
# With the name of its file, in a zip, it is still one thing to read.
ROW_NUMBER = {"th": {"class": "number"}, "td": {"class": "number nowrap"}}
LONG = {"td": {"class": "long"}}
WIDE = {"td": {"class": "widest"}}
Status = Import.Status
TONES = {
    Status.UPLOADED: "warning",
    Status.STAGING: "info",
    Status.CHECKED: "warning",
    Status.MERGING: "info",
    Status.DONE: "success",
    Status.UNDOING: "info",
    Status.REFUSED: "error",
}


class ImportTable(tables.Table):  # type: ignore[misc]
    caption = gettext_lazy("Imports, the newest first")

    file_name = tables.Column(verbose_name=gettext_lazy("File"), attrs=LONG)
    school = tables.Column(empty_values=())
    status = tables.Column(verbose_name=gettext_lazy("State"))
    new = tables.Column(verbose_name=gettext_lazy("New"), empty_values=(), attrs=NUMBER)
    changed = tables.Column(verbose_name=gettext_lazy("Changed"), empty_values=(), attrs=NUMBER)
    missing = tables.Column(verbose_name=gettext_lazy("Missing"), empty_values=(), attrs=NUMBER)
    rejected = tables.Column(verbose_name=gettext_lazy("Rejected"), empty_values=(), attrs=NUMBER)
    uploaded_at = tables.Column(verbose_name=gettext_lazy("Uploaded"))

    class Meta:
        orderable = False

    def render_file_name(self, record: Import) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("broadcasts:import-detail", args=[record.pk]), record.file_name
        )

    def render_school(self, record: Import) -> str:
        return str(record.school or _("All schools"))

    def render_status(self, record: Import) -> SafeString:
        tone = TONES.get(Status(record.status), "")
        return format_html('<span class="pill {}">{}</span>', tone, record.get_status_display())

    def render_new(self, record: Import) -> str:
        return _count(record, "new")

    def render_changed(self, record: Import) -> str:
        return _count(record, "changed")

    def render_missing(self, record: Import) -> str:
        return _count(record, "missing")

    def render_rejected(self, record: Import) -> str:
        return _count(record, "rejected")

    def render_uploaded_at(self, record: Import) -> SafeString | str:
        when = format_html('<span class="nowrap">{}</span>', moment(record.uploaded_at, record.school))
        if record.uploaded_by is None:
            return when
        return format_html(_("{when} by {who}"), when=when, who=record.uploaded_by.display_name)


def _count(record: Import, action: str) -> str:
    """Nothing before the file was read."""
    count = record.summary.get(action)
    return "" if count is None else intcomma(count)


class StagedTable(tables.Table):  # type: ignore[misc]
    number = tables.Column(verbose_name=gettext_lazy("Row"), attrs=ROW_NUMBER)
    name = tables.Column(verbose_name=gettext_lazy("Name"), attrs=LONG, empty_values=(None,))
    kind = tables.Column(verbose_name=gettext_lazy("Kind"), empty_values=())
    grade = tables.Column(verbose_name=gettext_lazy("Grade"), empty_values=())
    school = tables.Column(verbose_name=gettext_lazy("School"))
    language = tables.Column(verbose_name=gettext_lazy("Language"), empty_values=())
    sis_id = tables.Column(verbose_name=gettext_lazy("SIS id"), empty_values=())
    addresses = tables.Column(verbose_name=gettext_lazy("Addresses"), empty_values=(), attrs=WIDE)
    changes = tables.Column(verbose_name=gettext_lazy("Old → new"), empty_values=(), attrs=WIDE)
    reason = tables.Column(verbose_name=gettext_lazy("Why"))

    class Meta:
        orderable = False

    def __init__(self, staged: "QuerySet[StagedPerson]", section: Section, *, several_schools: bool) -> None:
        shown = [name for name in section.columns if several_schools or name != "school"]
        super().__init__(
            staged.select_related("school").prefetch_related("addresses"),
            exclude=[name for name in self.base_columns if name not in shown],
            empty_text=_("Nobody."),
        )
        by_number = "number" in section.columns
        self.caption = (
            _("In the order of the file, with its row numbers") if by_number else _("In the order of names")
        )
        self.section = section

    def before_render(self, request: object) -> None:  # noqa: ARG002
        """What the changes of this page's people need besides, each in one query."""
        shown = [row.record for row in self.paginated_rows] if "changes" in self.section.columns else []
        if shown:
            self.school_names: Mapping[int, str] = dict(School.objects.values_list("pk", "name"))
            self.guardians = _count_guardians(shown)
            self.switched = _find_switched(shown)

    def render_number(self, record: StagedPerson) -> str:
        return f"{record.file}: {record.number}" if record.file else intcomma(record.number)

    def render_kind(self, record: StagedPerson) -> str:
        return kind_label(record.kind or record.old_kind)

    def render_grade(self, record: StagedPerson) -> str:
        return record.old_grade if record.grade is None else record.grade

    def render_addresses(self, record: StagedPerson) -> SafeString:
        lines = [(_address(address),) for address in record.addresses.all()]
        return format_html_join("", "<div>{}</div>", lines) or format_html(
            '<span class="muted">{}</span>', _("No email address")
        )

    def render_changes(self, record: StagedPerson) -> SafeString:
        lines = [*self._differences(record), *((words,) for words in guardian_words(self.guardians[record.sis_id]))]
        return format_html_join("", "<div>{}</div>", lines)

    def _differences(self, record: StagedPerson) -> Iterator[tuple[SafeString]]:
        switched = self.switched[record.person_id] if record.person_id else []
        for difference in (*differences(record, self.school_names), *type_differences(switched)):
            if difference.old is None:
                yield (format_html("{}: <b>{}</b>", difference.what, difference.new),)
            else:
                yield (format_html("{}: {} → <b>{}</b>", difference.what, difference.old, difference.new),)


def _count_guardians(shown: Sequence[StagedPerson]) -> Mapping[str, Mapping[str, int]]:
    """By the student's id: how many guardians come, change and go."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    ids = [staged.sis_id for staged in shown if staged.sis_id]
    found = StagedGuardian.objects.filter(of_import=shown[0].of_import_id, student_sis_id__in=ids).order_by()
    for student, action, count in found.values_list("student_sis_id", "action").annotate(Count("pk")):
        counts[student][action] = count
    return counts


def _find_switched(shown: Sequence[StagedPerson]) -> Mapping[int, Sequence[Switched]]:
    """By the person's key."""
    switched: dict[int, list[Switched]] = defaultdict(list)
    people = [staged.person_id for staged in shown if staged.person_id]
    found = ImportedTypes.objects.filter(of_import=shown[0].of_import_id, address__person__in=people)
    found = found.order_by("address__position", "broadcast_type__position", "pk")
    for one in found.select_related("address", "broadcast_type"):
        switched[one.address.person_id].append(Switched(one.broadcast_type.name, one.address.address, one.was))
    return switched


def _address(address: StagedAddress) -> SafeString | str:
    if address.is_valid:
        return address.address
    return format_html('{} <span class="pill error">{}</span>', address.address, _("not a valid address"))
