"""Results that belong together for whoever wants to know: did they get it or not?"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from broadcasts.results import DID_NOT_GET_IT, GOT_IT
from reports.explanations import LABELS_BY_SLUG, slug_of


@dataclass(frozen=True)
class ResultGroup:
    slug: str  # in the Email Log's address, and the anchor on the help page
    label: Promise
    labels: tuple[str, ...]
    meaning: Promise


_IN_ORDER = (
    ResultGroup(
        slug_of("Did not get it"),
        _("Did not get it"),
        DID_NOT_GET_IT,
        _(
            "Unsent, Soft Bounced, Bounced, Failed, Blocked and No Email Selected. Some may still get it: while a "
            "broadcast is being sent they wait for their turn, Soft Bounced is tried again, and of emails in doubt "
            "nobody knows. What bounced later stays Delivered: “More filters” finds it. A Duplicate is not here: the "
            "row that carries its email is, if that did not arrive."
        ),
    ),
    ResultGroup(
        slug_of("Got it"),
        _("Got it"),
        GOT_IT,
        _(
            "Delivered and Opened: here we know. Of an email that stays Sent nobody told us, so it is in neither of "
            "the two groups. Nor is a Duplicate: the row that carries its email says what became of it."
        ),
    ),
)
GROUPS: Mapping[str, ResultGroup] = {group.slug: group for group in _IN_ORDER}


def labels_of(slug: str) -> tuple[str, ...]:
    """Of a group, or the one label that this is the slug of; none of anything else."""
    if slug in GROUPS:
        return GROUPS[slug].labels
    return (LABELS_BY_SLUG[slug],) if slug in LABELS_BY_SLUG else ()
