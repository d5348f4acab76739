"""Trouble of our own side: visible on the broadcast since when and why; sending goes on by itself when it ends."""

import logging
from datetime import datetime, timedelta

from django.db.models.functions import Coalesce

from broadcasts.addresses import without_addresses
from broadcasts.models import Broadcast

log = logging.getLogger(__name__)


class MailServerTrouble(Exception):
    """Our own side's trouble: nobody is marked for it. Its text is for people.

    `wait`: for how long the other side asked us to be quiet.
    """

    relay = ""  # whose, where it came up in a conversation

    def __init__(self, text: object, wait: timedelta = timedelta(0)) -> None:
        super().__init__(text)
        self.wait = wait


SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(seconds=60)


def note_trouble(broadcast_id: int, reason: str, now: datetime, wait: timedelta = timedelta(0)) -> None:
    """The longer it lasts, the longer the pause before the next try, up to a minute; longer if that was asked for."""
    row = Broadcast.objects.filter(pk=broadcast_id)
    known = row.values_list("trouble_since", flat=True).first()
    level, said = logging.INFO if known else logging.WARNING, {"broadcast": broadcast_id}
    log.log(level, "Broadcast %s: trouble: %s", broadcast_id, without_addresses(reason), extra=said)
    since = known or now
    pause = min(max((now - since) / 4, SHORTEST_PAUSE), LONGEST_PAUSE)
    row.update(
        trouble=reason[:500],
        trouble_since=Coalesce("trouble_since", now),
        next_try_at=now + max(pause, wait),
        worked_on_at=None,  # so that the sweep asks again as soon as the pause is over
    )


def put_off(broadcast_id: int, until: datetime, now: datetime) -> None:
    """No trouble, but nothing may leave before: a limit, or the quiet hours. No claim is held meanwhile."""
    Broadcast.objects.filter(pk=broadcast_id).update(next_try_at=until, tended_at=now, worked_on_at=None)


def clear_trouble(broadcast_id: int) -> None:
    troubled = Broadcast.objects.filter(pk=broadcast_id, trouble_since__isnull=False)
    if troubled.update(trouble="", trouble_since=None, next_try_at=None):
        log.info("Broadcast %s: the trouble is over", broadcast_id, extra={"broadcast": broadcast_id})
