"""One text for many recipients: our fields become the provider's places, and nothing else in it looks like one.

What people wrote is text, for the provider too (decision 6). Where it has the provider's own signs for a place, the
first sign is put there as a value, and providers do not look for places in values.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from broadcasts.composing.compiling import Texts
from broadcasts.composing.merge_fields import Escape, Segments, one_line
from broadcasts.delivering.providers.table import Syntax

Slot = tuple[str, Escape]


@dataclass(frozen=True)
class PlacedTexts:
    subject: str
    text: str
    html: str
    names: Mapping[Slot, str]  # the same field escaped for another place is another value
    signs: Mapping[str, str]  # values that are the same for everybody

    def values_for(self, values: Mapping[str, str]) -> dict[str, str]:
        filled = {name: escaped(values[slot]) for (slot, escaped), name in self.names.items()}
        return {**filled, **self.signs}


def in_subject(value: str) -> str:
    return one_line(value)


def place_texts(texts: Texts, syntax: Syntax) -> PlacedTexts:
    placing = _Placing(syntax)
    in_one_line = Segments(texts.subject.literals, tuple((name, in_subject) for name, _ in texts.subject.slots))
    written = one_line(placing.write(in_one_line, is_subject=True)), *map(placing.write, (texts.text, texts.html))
    subject, text, html = (f"{syntax.start}{part}{syntax.end}" for part in written)
    return PlacedTexts(subject, text, html, placing.names, placing.signs)


def has_opening(text: str, syntax: Syntax | None) -> bool:
    return syntax is not None and bool(syntax.opening.search(text))


class _Placing:
    def __init__(self, syntax: Syntax) -> None:
        self.syntax = syntax
        self.names: dict[Slot, str] = {}
        self.signs: dict[str, str] = {}

    def write(self, segments: Segments, *, is_subject: bool = False) -> str:
        pieces = [self._guarded(segments.literals[0], is_subject=is_subject)]
        for slot, literal in zip(segments.slots, segments.literals[1:], strict=True):
            name = self.names.setdefault(slot, f"f{len(self.names)}")
            pieces += (self.syntax.write(name, is_subject=is_subject), self._guarded(literal, is_subject=is_subject))
        return "".join(pieces)

    def _guarded(self, literal: str, *, is_subject: bool) -> str:
        pieces: list[str] = []
        end = 0
        for found in self.syntax.opening.finditer(literal):
            sign = found.group()
            name = next((name for name, value in self.signs.items() if value == sign), f"s{len(self.signs)}")
            self.signs[name] = sign
            pieces += (literal[end : found.start()], self.syntax.write(name, is_subject=is_subject))
            end = found.end()
        return "".join([*pieces, literal[end:]])
