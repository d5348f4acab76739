"""In the order in which they come to life: schools, broadcasts, people, lists, imports, deliveries."""

from broadcasts.models.addresses import ContactType, ContactTypeChange, EmailAddress, FamilyChoice
from broadcasts.models.attachments import Attachment
from broadcasts.models.audit import AuditEntry
from broadcasts.models.blocked import BlockedEmail, BlockingPolicy, BlockLevel
from broadcasts.models.broadcasts import UNDER_WAY, Broadcast, BroadcastType, Content, Sender
from broadcasts.models.counts import ResultCount
from broadcasts.models.deliveries import Attempt, Delivery, Lease
from broadcasts.models.heartbeats import Heartbeat
from broadcasts.models.imports import Import, RememberedColumn
from broadcasts.models.lists import List, ListMember, ListPart, ListRule
from broadcasts.models.people import Guardianship, Person, PersonSchool
from broadcasts.models.relays import Allowance, RelayTrouble
from broadcasts.models.retention import Removal, RetentionRound, RetentionRule
from broadcasts.models.schools import Membership, School, User
from broadcasts.models.staging import (
    ImportedTypes,
    MatchCandidate,
    StagedAddress,
    StagedGuardian,
    StagedPerson,
    Undone,
)
from broadcasts.models.uploads import Upload

__all__ = [
    "UNDER_WAY",
    "Allowance",
    "Attachment",
    "Attempt",
    "AuditEntry",
    "BlockLevel",
    "BlockedEmail",
    "BlockingPolicy",
    "Broadcast",
    "BroadcastType",
    "ContactType",
    "ContactTypeChange",
    "Content",
    "Delivery",
    "EmailAddress",
    "FamilyChoice",
    "Guardianship",
    "Heartbeat",
    "Import",
    "ImportedTypes",
    "Lease",
    "List",
    "ListMember",
    "ListPart",
    "ListRule",
    "MatchCandidate",
    "Membership",
    "Person",
    "PersonSchool",
    "RelayTrouble",
    "RememberedColumn",
    "Removal",
    "ResultCount",
    "RetentionRound",
    "RetentionRule",
    "School",
    "Sender",
    "StagedAddress",
    "StagedGuardian",
    "StagedPerson",
    "Undone",
    "Upload",
    "User",
]
