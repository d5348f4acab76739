"""An address as Anymail's payloads want it, of parts that are known to be right.

Anymail parses and builds each address anew, some 200 us; for a batch of 500 that is more than everything else.
"""

import re

from anymail.utils import rfc2047_encode  # type: ignore[import-untyped]

from broadcasts.addresses import wire_address
from broadcasts.composing.merge_fields import one_line

PHRASE = re.compile(r"[^\W_]([\w '!#$%&*+/=?^`{|}~-]*)")


class KnownAddress:
    """Has what Anymail's EmailAddress has. ASCII but for the name: an international domain is encoded already."""

    uses_eai = False

    def __init__(self, name: str, address: str) -> None:
        self.display_name = one_line(name)
        self.addr_spec = wire_address(address)
        self.username, _, self.domain = self.addr_spec.rpartition("@")

    def __str__(self) -> str:
        return self.format()

    @property
    def address(self) -> str:
        return self.format()

    def format_display_name(self, *, use_rfc2047: bool | str = False, use_quotes: bool | str = False) -> str:
        name = self.display_name
        if use_rfc2047 == "force" or (use_rfc2047 and not name.isascii()):
            return str(rfc2047_encode(name))
        if name and use_quotes and (use_quotes == "force" or not PHRASE.fullmatch(name)):
            return '"{}"'.format(name.replace("\\", "\\\\").replace('"', '\\"'))
        return name

    def format_addr_spec(self, **_options: object) -> str:
        return self.addr_spec

    def format(self, *, use_rfc2047: bool | str = False, **_options: object) -> str:
        name = self.format_display_name(use_rfc2047=use_rfc2047, use_quotes=True)
        return f"{name} <{self.addr_spec}>" if name else self.addr_spec

    def as_dict(
        self,
        *,
        name: str = "name",
        email: str = "email",
        use_rfc2047: bool | str = False,
        quote_name: bool = False,
        **_options: object,
    ) -> dict[str, str]:
        if not self.display_name:
            return {email: self.addr_spec}
        shown = self.format_display_name(use_rfc2047=use_rfc2047, use_quotes=quote_name)
        return {email: self.addr_spec, name: shown}
