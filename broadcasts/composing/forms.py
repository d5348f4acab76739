"""What a draft's author may choose. Every field may be empty: a draft is saved before it is complete."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_prose_editor.fields import ProseEditorFormField
from django_prose_editor.widgets import ProseEditorWidget

from broadcasts.composing.drafting import SUBJECT_LENGTH, Draft, Missing
from broadcasts.composing.editor import EXTENSIONS
from broadcasts.composing.file_fields import ManyFilesField, OneFileField
from broadcasts.composing.file_types import accepted_by_browsers
from broadcasts.models import Broadcast, BroadcastType, Content, List, School, Sender
from broadcasts.people.lists.sizes import size_in_words

DRAFT_FIELDS = ("broadcast_type", "sender", "lists", "subject", "body_html", "body_text")


class _TypeField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: BroadcastType) -> str:
        return str(obj) if obj.is_active else _("%(name)s (no longer in use)") % {"name": obj}


class _SenderField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Sender) -> str:
        return str(obj) if obj.is_active else _("%(name)s (no longer in use)") % {"name": obj}


class _ListsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    school: School

    def label_from_instance(self, obj: List) -> str:
        name = obj.name if obj.school_id == self.school.pk else f"{obj.name} ({obj.school})"
        return format_html("<span>{} · {}</span>", name, size_in_words(obj))


class ComposeForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    broadcast_type = _TypeField(
        BroadcastType.objects.none(),
        required=False,
        label=_("Broadcast type"),
        empty_label=_("Choose a type"),
        error_messages={"invalid_choice": _("This broadcast type no longer exists. Choose again.")},
        help_text=_("It decides which of a person's addresses get this broadcast."),
    )
    sender = _SenderField(
        Sender.objects.none(),
        required=False,
        label=_("From"),
        empty_label=_("Choose a sender"),
        error_messages={"invalid_choice": _("This sender no longer exists. Choose again.")},
        help_text=_(
            "Keep the From address the same. Families' mail programs remember a sender whose pictures they trust, "
            "and only then can we tell who opened an email."
        ),
    )
    lists = _ListsField(
        List.objects.none(),
        required=False,
        label=_("To these lists"),
        widget=forms.CheckboxSelectMultiple,
        error_messages=dict.fromkeys(
            ("invalid_choice", "invalid_pk_value"), _("One of the lists no longer exists. Choose again.")
        ),
    )
    subject = forms.CharField(required=False, max_length=SUBJECT_LENGTH, label=_("Subject"), strip=True)
    body_html = ProseEditorFormField(
        required=False,
        label=_("Message"),
        config={"extensions": EXTENSIONS},
        widget=ProseEditorWidget(attrs={"rows": 14}),
    )
    body_text = forms.CharField(
        required=False,
        label=_("Plain text"),
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=_("For mail programs that show no formatting. Empty: it is written from the message."),
    )
    new_files = ManyFilesField(required=False, label=_("Add files"))
    picture = OneFileField(required=False, label=_("Picture file"), help_text=_("JPEG, PNG or GIF."))
    picture_words = forms.CharField(
        required=False,
        max_length=300,
        label=_("What the picture shows"),
        help_text=_("Read out to those who cannot see it, and shown where pictures are switched off."),
    )
    # compose.js puts the picture where one last typed, under this name; without it, it goes to the end.
    picture_id = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, broadcast: Broadcast, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "initial": _initial(broadcast)})
        school, current = broadcast.school, Q(broadcasts=broadcast)
        ours = Q(school=school) | Q(school__isnull=True)
        types = BroadcastType.objects.filter(Q(is_active=True) | current).distinct()
        senders = Sender.objects.filter((ours & Q(is_active=True)) | current).distinct()
        self.choices_of("broadcast_type").queryset = types
        self.choices_of("sender").queryset = senders
        self.choices_of("lists").school = school
        usable = List.objects.usable_by(school) | List.objects.filter(broadcasts=broadcast)
        self.choices_of("lists").queryset = usable.distinct().with_sizes().select_related("school")
        self.fields["new_files"].widget.attrs["accept"] = accepted_by_browsers()
        self.fields["picture"].widget.attrs["accept"] = accepted_by_browsers(pictures_only=True)
        for name in self.fields.keys() - {"body_text"}:
            # "(optional)" beside them would say that it can be sent without.
            setattr(self.fields[name], "template_name", "broadcasts/compose_field.html")  # noqa: B010 - not in the stubs

    def choices_of(self, name: str) -> Any:
        return self.fields[name]

    @property
    def has_lists(self) -> bool:
        return bool(self.choices_of("lists").queryset.exists())

    @property
    def draft(self) -> Draft:
        """Of a valid form."""
        return Draft(**{name: self.cleaned_data[name] for name in DRAFT_FIELDS})

    def show(self, missing: Iterable[Missing]) -> None:
        for field, reason, _is_empty in missing:
            self.add_error(field, reason)


def _initial(broadcast: Broadcast) -> dict[str, Any]:
    content = broadcast.contents.filter(is_default=True).first() or Content()
    return {
        "version": broadcast.version,
        "broadcast_type": broadcast.broadcast_type_id,
        "sender": broadcast.sender_id,
        "lists": list(broadcast.lists.values_list("pk", flat=True)),
        "subject": content.subject,
        "body_html": content.body_html,
        "body_text": content.body_text,
    }


class SchoolForm(forms.Form):
    """For users of several schools."""

    school = forms.ModelChoiceField(School.objects.none(), label=_("School"), empty_label=_("Choose a school"))

    def __init__(self, *args: Any, schools: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["school"]
        choices.queryset = schools
