"""What administrators only look at: the audit trail, unused reports, and times everywhere."""

import re
from datetime import UTC, datetime
from pathlib import Path

from django.apps import apps
from django.test import Client
from django.urls import reverse

from broadcasts import audit
from broadcasts.blocking import block_addresses
from broadcasts.deeds import DEEDS
from broadcasts.models import AuditEntry, BlockedEmail, School, User
from tracking.models import UnusedReport


def url(model: str, page: str, *args: int) -> str:
    return reverse(f"admin:broadcasts_{model}_{page}", args=args)


def test_the_audit_trail_is_searched_and_never_changed(as_charlie: Client, charlie: User, lincoln: School) -> None:
    audit.record(charlie, "school.renamed", lincoln, school=lincoln, was="<b>Adams</b>")
    audit.record(None, "broadcast.finished", lincoln)
    entry = AuditEntry.objects.get(action="school.renamed")
    found = as_charlie.get(url("auditentry", "changelist"), {"q": "renamed"}).content.decode()
    assert "Renamed" in found
    assert "Finished" not in found
    page = as_charlie.get(url("auditentry", "change", entry.pk)).content.decode()
    assert "&lt;b&gt;Adams&lt;/b&gt;" in page
    assert as_charlie.post(url("auditentry", "change", entry.pk), {"action": "x"}).status_code == 403
    assert as_charlie.post(url("auditentry", "delete", entry.pk), {"post": "yes"}).status_code == 403
    assert as_charlie.get(url("auditentry", "add")).status_code == 403
    assert AuditEntry.objects.filter(pk=entry.pk, action="school.renamed").exists()


def test_the_audit_trail_speaks_in_sentences(as_charlie: Client, alice: User, charlie: User, lincoln: School) -> None:
    audit.record(alice, "blocked_email.removed", lincoln)
    audit.record(charlie, "school.changed", lincoln)
    everything = as_charlie.get(url("auditentry", "changelist")).text
    assert "Took the address off the Blocked Email list" in everything
    assert "blocked_email.removed" not in everything
    found = as_charlie.get(url("auditentry", "changelist"), {"q": "off the Blocked"}).text
    assert "Took the address off" in found
    assert "Changed the school" not in found
    page = as_charlie.get(url("auditentry", "change", AuditEntry.objects.get(actor=alice).pk)).text
    assert "Took the address off the Blocked Email list" in page


def test_every_deed_that_is_written_has_words() -> None:
    things = {deed.partition(".")[0] for deed in DEEDS}
    code = re.compile(rf'"((?:{"|".join(things)})\.[a-z_]+)"')
    folders = (Path(app.path) for app in apps.get_app_configs() if app.label in {"broadcasts", "tracking", "reports"})
    written = {
        found for folder in folders for file in folder.rglob("*.py") for found in code.findall(file.read_text())
    }
    assert "broadcast.undone" in written
    assert written - {f"broadcast_type.{word}" for word in ("slug", "name")} <= set(DEEDS)


def test_times_read_like_on_all_other_pages(as_charlie: Client, charlie: User, lincoln: School) -> None:
    at = datetime(2026, 11, 24, 2, 49, tzinfo=UTC)
    [blocked] = block_addresses(["ann@home.example"], reason="Asked", source=BlockedEmail.Source.STAFF, by=charlie)
    report = UnusedReport.objects.create(reason="It names no delivery", raw="x")
    BlockedEmail.objects.update(added_at=at)
    UnusedReport.objects.update(received_at=at)
    AuditEntry.objects.update(at=at)
    User.objects.update(last_login=at, date_joined=at)
    pages = [
        *(url(model, "changelist") for model in ("blockedemail", "auditentry", "user")),
        *(url("blockedemail", "change", blocked.pk), url("user", "change", charlie.pk)),
        url("auditentry", "change", AuditEntry.objects.latest("pk").pk),
        reverse("admin:tracking_unusedreport_changelist"),
        reverse("admin:tracking_unusedreport_change", args=[report.pk]),
    ]
    for page in pages:
        shown = as_charlie.get(page).text
        assert "Nov 23, 2026 8:49 pm" in shown, page
        assert "p.m." not in shown, page


def test_a_report_we_could_not_use_is_shown_as_text(as_charlie: Client) -> None:
    report = UnusedReport.objects.create(reason="It names no delivery", raw="From: <script>alert(1)</script>")
    page = reverse("admin:tracking_unusedreport_change", args=[report.pk])
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in as_charlie.get(page).content.decode()
    assert as_charlie.post(page, {"reason": "x"}).status_code == 403
