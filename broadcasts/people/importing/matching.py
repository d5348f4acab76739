"""Which column of an import means what."""

from dataclasses import dataclass, field

from broadcasts.models import Import


@dataclass(slots=True)
class Preview:
    headings: list[str]
    samples: list[list[str]] = field(default_factory=list)
    guessed: dict[str, str] = field(default_factory=dict)


def preview(import_: Import) -> Preview:
    raise NotImplementedError
