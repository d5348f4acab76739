"""What Home shows: what is being sent, what needs a person, what came of the last broadcasts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import QuerySet

from broadcasts.counting import counts_by_broadcast
from broadcasts.delivering.doubts import count_doubts
from broadcasts.models import UNDER_WAY, Broadcast, Import, List, School, Upload, User
from reports.opens import OpenNumbers, count_opens
from reports.remembering_addresses import count_now_and_then, remembered_number

LAST_BROADCASTS = 5
AT_MOST = 10
Status = Broadcast.Status


@dataclass(frozen=True)
class Counted:
    broadcast: Broadcast
    counts: Mapping[str, int]
    in_doubt: int
    opens: OpenNumbers

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        return self.total - self.counts["Unsent"]

    @property
    def failed(self) -> int:
        return self.counts["Failed"]

    @property
    def delivered(self) -> int:
        return self.counts["Delivered"]

    @property
    def opened(self) -> int:
        return self.counts["Opened"]


@dataclass(frozen=True)
class Overview:
    user: User
    now: datetime
    may_count: bool = False  # the addresses to fix, which takes a while

    @cached_property
    def schools(self) -> list[School]:
        return list(self.user.schools)

    @property
    def _broadcasts(self) -> QuerySet[Broadcast]:
        return Broadcast.objects.visible_to(self.user).select_related("school", "broadcast_type")

    def _counted(self, broadcasts: list[Broadcast]) -> list[Counted]:
        counts = counts_by_broadcast(broadcasts)
        in_doubt = count_doubts(list(counts), self.now)
        opens = count_opens({each.pk: counts[each.pk]["Opened"] for each in broadcasts})
        return [Counted(each, counts[each.pk], in_doubt[each.pk], opens[each.pk]) for each in broadcasts]

    @cached_property
    def under_way(self) -> list[Counted]:
        return self._counted(list(self._broadcasts.filter(status__in=UNDER_WAY)[:AT_MOST]))

    @property
    def is_moving(self) -> bool:
        """Whether another look in a few seconds may show something else. A pause ends only by hand."""
        return any(each.broadcast.status != Status.PAUSED for each in self.under_way)

    @cached_property
    def last(self) -> list[Counted]:
        ended = self._broadcasts.filter(status__in=[Status.SENT, Status.CANCELLED])
        return self._counted(list(ended[:LAST_BROADCASTS]))

    @property
    def in_trouble(self) -> list[Broadcast]:
        """Those that go on by themselves when it is over."""
        going = (each.broadcast for each in self.under_way if each.broadcast.status != Status.PAUSED)
        return [broadcast for broadcast in going if broadcast.trouble]

    @property
    def on_hold(self) -> list[Broadcast]:
        """Paused by Messenger, not by a person who knows of it."""
        paused = (each.broadcast for each in self.under_way if each.broadcast.status == Status.PAUSED)
        return [broadcast for broadcast in paused if broadcast.held_for]

    @property
    def with_failed_addresses(self) -> list[Counted]:
        return [each for each in [*self.under_way, *self.last] if each.failed]

    @cached_property
    def addresses_to_fix(self) -> int | None:
        """None: not counted yet. Where nothing was ever sent, that takes no time."""
        may_count = self.may_count or self.is_first_run
        return count_now_and_then(self.user) if may_count else remembered_number(self.user)

    @property
    def with_doubts(self) -> list[Counted]:
        return [each for each in [*self.under_way, *self.last] if each.in_doubt]

    @cached_property
    def drafts(self) -> list[Broadcast]:
        return list(self._broadcasts.filter(status=Status.DRAFT)[:AT_MOST])

    @cached_property
    def uploads(self) -> list[Upload]:
        waiting = Upload.objects.visible_to(self.user).filter(status=Upload.Status.CHECKING)
        return list(waiting.select_related("school").order_by("-pk")[:AT_MOST])

    @cached_property
    def imports(self) -> list[Import]:
        """Those whose next step is a person's."""
        waiting = Import.objects.visible_to(self.user).filter(
            status__in=[Import.Status.UPLOADED, Import.Status.CHECKED]
        )
        return list(waiting.select_related("school")[:AT_MOST])

    @property
    def needs_a_person(self) -> bool:
        at_hand = self.drafts or self.uploads or self.imports or self.with_failed_addresses or self.with_doubts
        return bool(at_hand or self.addresses_to_fix != 0)

    @cached_property
    def has_list(self) -> bool:
        return List.objects.visible_to(self.user).exists()

    @property
    def is_first_run(self) -> bool:
        return not self.under_way and not self.last
