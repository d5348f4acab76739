"""What the report says at once, from the counts alone: results, rates and problems."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from broadcasts.counting import codes_by_broadcast
from broadcasts.models import UNDER_WAY, Broadcast
from broadcasts.results import DID_NOT_GET_IT, LABELS, by_label
from reports.explanations import EXPLANATIONS, slug_of
from reports.rates import Rates, Share

Status = Broadcast.Status


@dataclass(frozen=True)
class Line:
    label: str
    slug: str
    share: Share


@dataclass(frozen=True)
class Problem:
    label: str
    slug: str
    count: int
    meaning: str | Promise
    suggestion: str | Promise


_NEVER_LEFT = (
    _("These emails have not left, and they never will: the broadcast was cancelled."),
    _("If these people should get it after all, send a new broadcast to them."),
)
_SUGGESTIONS: Mapping[str, Promise] = {
    "Soft Bounced": _("Nothing to do yet: we keep trying. What ends as Bounced shows up here."),
    "Bounced": _("“Why emails came back” below has the reasons. If it matters, reach these people another way."),
    "Failed": _("Correct these addresses under “Addresses to fix”: what was missed can be sent again from there."),
    "Blocked": _("Ask an administrator to look whether these addresses are blocked for a good reason."),
    "No Email Selected": _("Add an address for these people, or ask the families which emails they want."),
}


@dataclass(frozen=True)
class Results:
    broadcast: Broadcast

    @cached_property
    def codes(self) -> Mapping[int, int]:
        return codes_by_broadcast([self.broadcast])[self.broadcast.pk]

    @cached_property
    def rates(self) -> Rates:
        return Rates(self.codes)

    @property
    def total(self) -> int:
        return self.rates.total

    @cached_property
    def lines(self) -> list[Line]:
        counts = by_label(self.codes)
        return [Line(label, slug_of(label), Share(counts[label], self.total)) for label in LABELS]

    @property
    def is_moving(self) -> bool:
        """Whether the next look may show something else without anybody having done anything."""
        return self.broadcast.status in UNDER_WAY and self.broadcast.status != Status.PAUSED

    @property
    def missed(self) -> int:
        """How many did not get it, once it is over: until then some only wait for their turn."""
        counts = by_label(self.codes)
        return 0 if self.broadcast.status in UNDER_WAY else sum(counts[label] for label in DID_NOT_GET_IT)

    @cached_property
    def problems(self) -> list[Problem]:
        return list(self._problems())

    def _problems(self) -> Iterator[Problem]:
        counts = by_label(self.codes)
        if counts["Unsent"] and self.broadcast.status == Status.CANCELLED:
            yield Problem("Unsent", "unsent", counts["Unsent"], *_NEVER_LEFT)
        for label, suggestion in _SUGGESTIONS.items():
            if counts[label]:
                explained = EXPLANATIONS[label]
                yield Problem(label, explained.slug, counts[label], explained.meaning, suggestion)

    @property
    def digest(self) -> str:
        """Changes when any count does."""
        shown = (self.broadcast.status, sorted(self.codes.items()))
        return hashlib.blake2s(repr(shown).encode(), digest_size=8).hexdigest()
