"""Which rule holds for which school: its own, else that for all schools."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from broadcasts.models import RetentionRule, School

Kind = RetentionRule.Kind
# Time to think again: what has been removed does not come back.
WAITS = timedelta(days=1)


@dataclass(frozen=True)
class Scope:
    """A kind of data and whose it is; `school` None: nobody knows whose."""

    kind: RetentionRule.Kind
    school: School | None
    rule: RetentionRule
    days: int

    @property
    def begins_at(self) -> datetime:
        return self.rule.changed_at + WAITS

    def until(self, now: datetime) -> datetime:
        """What is older is removed."""
        return now - timedelta(days=self.days)


def scopes() -> list[Scope]:
    """Those that remove something, in the order of the kinds and schools."""
    rules = {(rule.kind, rule.school_id): rule for rule in RetentionRule.objects.all()}
    found = []
    for kind in Kind if rules else ():
        schools: list[School | None] = [None] if kind == Kind.UNUSED else list(School.objects.order_by("name"))
        for school in schools:
            general = rules.get((kind, None))
            rule = rules.get((kind, school.pk), general) if school else general
            if rule and rule.days:
                found.append(Scope(kind, school, rule, rule.days))
    return found


def scopes_in_force(now: datetime) -> list[Scope]:
    """A new or changed rule waits for a day, unless whoever asks says otherwise."""
    return [scope for scope in scopes() if scope.begins_at <= now]
