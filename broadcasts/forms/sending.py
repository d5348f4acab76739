"""What Send Now posts: what its reader saw, and for the big ones the number typed out."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from broadcasts.models import Broadcast

TYPE_THE_NUMBER_ABOVE = 5000
LATEST_START = timedelta(days=366)


def must_type_the_number(broadcast: Broadcast, sendable: int) -> bool:
    return sendable > TYPE_THE_NUMBER_ABOVE or broadcast.is_emergency


class SendForm(forms.Form):
    """Valid only when the broadcast still is what the review page showed."""

    expected = forms.IntegerField(required=False)
    version = forms.IntegerField(required=False)
    typed = forms.CharField(max_length=20, label=gettext_lazy("Number of people"))
    start_at = forms.DateTimeField(
        required=False,
        label=gettext_lazy("Start later"),
        widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
        error_messages={"invalid": gettext_lazy("Write a date and a time, like 2017-05-11 09:44, or nothing.")},
    )

    def __init__(self, data: object, broadcast: Broadcast, sendable: int) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.broadcast = broadcast
        self.sendable = sendable
        self.asks_for_number = must_type_the_number(broadcast, sendable)
        if broadcast.is_emergency:
            del self.fields["start_at"]  # it leaves at once
        else:
            self.fields["start_at"].help_text = _("Empty: now. On the clock of %(school)s (%(zone)s).") % {
                "school": broadcast.school,
                "zone": broadcast.school.time_zone,
            }
        if not self.asks_for_number:
            del self.fields["typed"]
            return
        self.fields["typed"].error_messages["required"] = self._how_to_confirm()
        self.fields["typed"].widget.attrs |= {"inputmode": "numeric", "autocomplete": "off"}
        self.fields["typed"].help_text = _("To confirm, type %(number)s.") % {"number": intcomma(sendable)}

    def clean_start_at(self) -> datetime | None:
        """What was typed is the school's clock, whatever the reader's is."""
        typed: datetime | None = self.cleaned_data["start_at"]
        if typed is None:
            return None
        start = typed.replace(tzinfo=ZoneInfo(self.broadcast.school.time_zone))
        now = timezone.now()
        if not now < start <= now + LATEST_START:
            raise forms.ValidationError(_("Choose a time within the next year, or none to send it now."))
        return start.astimezone(UTC)

    def clean(self) -> None:
        if self.cleaned_data.get("version") != self.broadcast.version:
            self.add_error(None, _("The message was changed since you looked. Check it again before you send it."))
        elif self.cleaned_data.get("expected") != self.sendable:
            self.add_error(None, self._what_changed())
        elif "typed" in self.cleaned_data and _digits(self.cleaned_data["typed"]) != str(self.sendable):
            self.add_error("typed", self._how_to_confirm())

    def _how_to_confirm(self) -> str:
        return ngettext(
            "Nothing was sent. To send it to %(number)s person, type %(number)s here.",
            "Nothing was sent. To send it to %(number)s people, type %(number)s here.",
            self.sendable,
        ) % {"number": intcomma(self.sendable)}

    def _what_changed(self) -> str:
        return ngettext(
            "Nothing was sent: who gets it changed since you looked. It is now %(number)s person. Check it again.",
            "Nothing was sent: who gets it changed since you looked. It is now %(number)s people. Check it again.",
            self.sendable,
        ) % {"number": intcomma(self.sendable)}


def _digits(typed: str) -> str:
    """`1,204`, `1 204` and `1204` are the same number."""
    return "".join(typed.replace(",", "").replace(".", "").split())
