"""What the files of a sample district are made of: names of nobody, and the columns of each file."""

import csv
import io
from collections.abc import Iterable, Sequence


def words(text: str) -> list[str]:
    return text.split()


GIVEN = words(
    "Amber Birch Cedar Dale Ember Fern Glen Hazel Iris Juniper Kestrel Lark Maple North Olive Pine Quill River Sage"
)
FAMILY = words(
    "Ashford Brook Castle Dunes Eastwood Field Grove Hillside Island Lakeside Meadow Northgate Oakley Ridge Stone"
)
SCHOOLS = words("Lincoln Jefferson Cedar Lakeside Hilltop Meadow River Northgate Oakley Prairie")
LANGUAGES = ("en", "en", "en", "en", "es", "es", "so", "hmn", "zh-hans", "")
RELATIONS = ("Mother", "Father", "Guardian", "Grandparent", "")
GRADES = ("KG", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12")
STAMP = "2026-08-15T06:00:00.000Z"
USERS_11 = words(
    "sourcedId status dateLastModified enabledUser orgSourcedIds role username userIds givenName familyName "
    "middleName identifier email sms phone agentSourcedIds grades password metadata.homeLanguage "
    "metadata.relationship metadata.doNotContact"
)
USERS_12 = words(
    "sourcedId status dateLastModified enabledUser username userIds givenName familyName middleName identifier "
    "email sms phone agentSourcedIds grades password userMasterIdentifier preferredGivenName preferredMiddleName "
    "preferredFamilyName primaryOrgSourcedId pronouns metadata.homeLanguage metadata.relationship "
    "metadata.doNotContact"
)
FILES = words(
    "academicSessions categories classes classResources courses courseResources demographics enrollments lineItems "
    "orgs resources results roles userProfiles users"
)


def as_text(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
