"""Many addresses for the Blocked Email list at once, by paste."""

import re
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from broadcasts.addresses import address_key, explain_invalid
from broadcasts.blocking import block_addresses
from broadcasts.models import BlockedEmail, BlockLevel, User

_NAME_AND_ADDRESS = re.compile(r"[^<>]*<([^<>]*)>")


class BlockManyForm(forms.Form):
    addresses = forms.CharField(
        label=_("Addresses"),
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "autocapitalize": "off"}),
        help_text=_("One on each line, or separated by commas or semicolons."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=_("Why nobody may write to them. It is kept with each address."),
    )
    level = forms.ChoiceField(label=_("Blocks"), choices=BlockLevel.choices)

    def clean_addresses(self) -> list[str]:
        return split_addresses(self.cleaned_data["addresses"])


@dataclass
class Pasted:
    """What became of a paste."""

    added: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    invalid: dict[str, str] = field(default_factory=dict)


def split_addresses(text: str) -> list[str]:
    """As people paste them: also `Ann Lee <ann@school.example>`."""
    parts = (part.strip() for part in re.split(r"[\n\r,;]+", text.replace("\x00", "")))
    named = ((_NAME_AND_ADDRESS.fullmatch(part), part) for part in parts if part)
    return [match[1].strip() if match else part for match, part in named]


def block_pasted(addresses: list[str], *, reason: str, level: str, by: User) -> Pasted:
    """Valid ones go on the list; the others stay with the reason why they cannot."""
    pasted = Pasted(invalid={address: why for address in addresses if (why := explain_invalid(address))})
    valid = [address for address in addresses if address not in pasted.invalid]
    blocked = block_addresses(valid, reason=reason, source=BlockedEmail.Source.STAFF, by=by, level=level)
    pasted.added = [row.address for row in blocked]
    new = {row.key for row in blocked}
    for address in valid:
        key = address_key(address)
        if key in new:
            new.remove(key)  # its second mention is a repetition
        else:
            pasted.known.append(address)
    return pasted


def what_is_left(pasted: Pasted, given: dict[str, Any]) -> dict[str, Any]:
    """The box again, with what could not be blocked."""
    return given | {"addresses": "\n".join(pasted.invalid)}
