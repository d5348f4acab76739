"""In the order in which they come to life: schools, broadcasts, people, deliveries."""

from broadcasts.models.audit import AuditEntry
from broadcasts.models.blocked import BlockedEmail
from broadcasts.models.broadcasts import UNDER_WAY, Broadcast, BroadcastType, Content, Sender
from broadcasts.models.deliveries import Attempt, Delivery
from broadcasts.models.people import ContactType, EmailAddress, FamilyChoice, List, ListMember, Person, Upload
from broadcasts.models.schools import Membership, School, User

__all__ = [
    "UNDER_WAY",
    "Attempt",
    "AuditEntry",
    "BlockedEmail",
    "Broadcast",
    "BroadcastType",
    "ContactType",
    "Content",
    "Delivery",
    "EmailAddress",
    "FamilyChoice",
    "List",
    "ListMember",
    "Membership",
    "Person",
    "School",
    "Sender",
    "Upload",
    "User",
]
