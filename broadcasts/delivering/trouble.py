"""Trouble of our own side: visible on the broadcast since when and why; sending goes on by itself when it ends."""

from datetime import datetime, timedelta

from django.db.models.functions import Coalesce

from broadcasts.models import Broadcast


class MailServerTrouble(Exception):
    """Our own side's trouble: nobody is marked for it. Its text is for people."""

    relay = ""  # whose, where it came up in a conversation


SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(seconds=60)


def note_trouble(broadcast_id: int, reason: str, now: datetime) -> None:
    """The longer it lasts, the longer the pause before the next try, up to a minute."""
    row = Broadcast.objects.filter(pk=broadcast_id)
    since = row.values_list("trouble_since", flat=True).first() or now
    pause = min(max((now - since) / 4, SHORTEST_PAUSE), LONGEST_PAUSE)
    row.update(
        trouble=reason[:500],
        trouble_since=Coalesce("trouble_since", now),
        next_try_at=now + pause,
        worked_on_at=None,  # so that the sweep asks again as soon as the pause is over
    )


def put_off(broadcast_id: int, until: datetime, now: datetime) -> None:
    """No trouble, but nothing may leave before: a limit, or the quiet hours. No claim is held meanwhile."""
    Broadcast.objects.filter(pk=broadcast_id).update(next_try_at=until, tended_at=now, worked_on_at=None)


def clear_trouble(broadcast_id: int) -> None:
    Broadcast.objects.filter(pk=broadcast_id, trouble_since__isnull=False).update(
        trouble="", trouble_since=None, next_try_at=None
    )
