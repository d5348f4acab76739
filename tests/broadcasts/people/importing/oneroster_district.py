"""A district as its student information system exports it: seeded, so that the same call writes the same zip.

python -m tests.broadcasts.people.importing.oneroster_district district.zip 5 5000 1.2
"""

import io
import random
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.broadcasts.people.importing.oneroster_words import (
    FAMILY,
    FILES,
    GIVEN,
    GRADES,
    LANGUAGES,
    RELATIONS,
    SCHOOLS,
    STAMP,
    USERS_11,
    USERS_12,
    as_text,
    words,
)


@dataclass(frozen=True)
class RosterUser:
    sourced_id: str
    roles: tuple[str, ...]
    orgs: tuple[str, ...]
    given: str
    family: str
    email: str = ""
    grade: str = ""
    language: str = ""
    relation: str = ""
    do_not_contact: bool = False
    agents: tuple[str, ...] = ()
    enabled: bool = True
    status: str = ""

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}"

    @property
    def kind(self) -> str:
        return "student" if "student" in self.roles else "staff" if "teacher" in self.roles else "guardian"


@dataclass
class District:
    """The truth that a test compares with what was read."""

    orgs: dict[str, str] = field(default_factory=dict)  # id of a school → name
    users: dict[str, RosterUser] = field(default_factory=dict)
    links: set[tuple[str, str]] = field(default_factory=set)  # student, guardian
    deactivated: set[str] = field(default_factory=set)  # of the delta
    renamed: dict[str, str] = field(default_factory=dict)  # of the delta: id → new name

    def of_kind(self, kind: str) -> list[RosterUser]:
        return [user for user in self.users.values() if user.kind == kind]


def write_district(
    path: Path | io.BytesIO,
    *,
    version: str = "1.1",
    schools: int = 5,
    students: int = 5000,
    seed: int = 1,
    delta: float = 0,
) -> District:
    """Writes the zip. `delta`: which part of the people has left or has another name since; only those are in it."""
    district = make_district(schools, students, seed)
    if delta:
        _change(district, delta, random.Random(seed + 1))
    changed = district.deactivated | district.renamed.keys()
    users = [user for user in district.users.values() if not delta or user.sourced_id in changed]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        files = {"users": _user_rows(users, version), "orgs": _org_rows(district)}
        if version == "1.2":
            files["roles"] = _role_rows(users)
        if not delta:
            files |= _class_files(district)
        archive.writestr("manifest.csv", as_text(_manifest(version, files.keys(), "delta" if delta else "bulk")))
        for name, rows in files.items():
            archive.writestr(f"{name}.csv", as_text(rows))
    return district


def make_district(schools: int, students: int, seed: int) -> District:
    dice = random.Random(seed)
    district = District({f"org-{number}": _school_name(number) for number in range(1, schools + 1)})
    siblings: list[RosterUser] = []
    for number in range(1, students + 1):
        school = f"org-{1 + (number - 1) % schools}"
        student = RosterUser(
            f"s-{number}",
            ("student",),
            (school,),
            dice.choice(GIVEN),
            dice.choice(FAMILY),
            _email(dice, f"s{number}", 0.5),
            grade=dice.choice(GRADES),
            language=dice.choice(LANGUAGES),
        )
        # A fifth are siblings of the one before: they share the guardians.
        guardians = siblings if siblings and dice.random() < 0.2 else _guardians(dice, student, number)
        siblings = guardians
        district.users[student.sourced_id] = student
        for guardian in guardians:
            _link(district, dice, student.sourced_id, guardian, school)
    _add_teachers(district, dice, schools, students)
    return district


def _guardians(dice: random.Random, student: RosterUser, number: int) -> list[RosterUser]:
    return [
        RosterUser(
            f"g-{number}-{one}",
            (dice.choice(["guardian", "parent", "parent", "relative"]),),
            student.orgs,
            dice.choice(GIVEN),
            student.family,
            _email(dice, f"g{number}.{one}", 0.85),
            language=student.language,
            relation=dice.choice(RELATIONS),
            do_not_contact=dice.random() < 0.005,
        )
        for one in range(1, dice.choice([1, 2, 2, 3]) + 1)
    ]


def _link(district: District, dice: random.Random, student: str, guardian: RosterUser, school: str) -> None:
    """On the student's row, the guardian's, or both, as real exports have it."""
    users, own = district.users, guardian.sourced_id
    known = users.setdefault(own, guardian)
    users[own] = known = replace(known, orgs=tuple(dict.fromkeys([*known.orgs, school])))
    side = dice.choice(["student", "guardian", "both"])
    if side != "student":
        users[own] = replace(known, agents=(*known.agents, student))
    if side != "guardian":
        users[student] = replace(users[student], agents=(*users[student].agents, own))
    district.links.add((student, own))


def _add_teachers(district: District, dice: random.Random, schools: int, students: int) -> None:
    for number in range(1, max(schools, students // 20) + 1):
        orgs = [f"org-{1 + (number - 1) % schools}"]
        if schools > 1 and dice.random() < 0.1:
            orgs.append(f"org-{1 + number % schools}")
        given, family = dice.choice(GIVEN), dice.choice(FAMILY)
        teacher = RosterUser(f"t-{number}", ("teacher",), tuple(orgs), given, family, f"t{number}@staff.example")
        child = f"s-{dice.randint(1, students)}"
        if dice.random() < 0.3:  # a mentor is an agent, and no guardian
            district.users[child] = replace(
                district.users[child], agents=(*district.users[child].agents, teacher.sourced_id)
            )
        district.users[teacher.sourced_id] = teacher


def _change(district: District, part: float, dice: random.Random) -> None:
    for sourced_id in dice.sample(sorted(district.users), max(2, int(len(district.users) * part))):
        user = district.users[sourced_id]
        if dice.random() < 0.5:
            district.deactivated.add(sourced_id)
            district.users[sourced_id] = replace(user, status="tobedeleted")
        else:
            district.users[sourced_id] = replace(user, family=f"{user.family}-{dice.choice(FAMILY)}")
            district.renamed[sourced_id] = district.users[sourced_id].name
    for sourced_id in district.renamed:
        district.users[sourced_id] = replace(district.users[sourced_id], status="active")


def _email(dice: random.Random, local: str, chance: float) -> str:
    return f"{local}@families.example" if dice.random() < chance else ""


def _school_name(number: int) -> str:
    return SCHOOLS[number - 1] if number <= len(SCHOOLS) else f"School {number}"


def _manifest(version: str, there: Iterable[str], mode: str) -> list[list[str]]:
    found = set(there)
    return [
        ["propertyName", "value"],
        ["manifest.version", "1.0"],
        ["oneroster.version", version],
        *[[f"file.{name}", mode if name in found else "absent"] for name in FILES],
        ["source.systemName", "Sample SIS"],
    ]


def _org_rows(district: District) -> list[list[str]]:
    heading = words("sourcedId status dateLastModified name type identifier parentSourcedId")
    schools = [[org, "", "", name, "school", "", "district"] for org, name in district.orgs.items()]
    return [heading, ["district", "", "", "Sample District", "district", "", ""], *schools]


def _user_rows(users: Iterable[RosterUser], version: str) -> Iterable[list[str]]:
    columns = USERS_11 if version == "1.1" else USERS_12
    yield columns
    for user in users:
        cells = {
            "sourcedId": user.sourced_id,
            "status": user.status,
            "dateLastModified": STAMP if user.status else "",
            "enabledUser": "true" if user.enabled else "false",
            "orgSourcedIds": ",".join(user.orgs),
            "primaryOrgSourcedId": user.orgs[0],
            "role": user.roles[0],
            "username": user.sourced_id,
            "givenName": user.given,
            "familyName": user.family,
            "email": user.email,
            "agentSourcedIds": ",".join(user.agents),
            "grades": user.grade,
            "metadata.homeLanguage": user.language,
            "metadata.relationship": user.relation,
            "metadata.doNotContact": "true" if user.do_not_contact else "",
        }
        yield [cells.get(column, "") for column in columns]


def _role_rows(users: Iterable[RosterUser]) -> Iterable[list[str]]:
    yield words(
        "sourcedId status dateLastModified userSourcedId roleType role beginDate endDate orgSourcedId "
        "userProfileSourcedId"
    )
    for user in users:
        for place, org in enumerate(user.orgs):
            kind = "secondary" if place else "primary"
            stamp = STAMP if user.status else ""
            number = f"r-{user.sourced_id}-{place}"
            yield [number, user.status, stamp, user.sourced_id, kind, user.roles[0], "", "", org, ""]


def _class_files(district: District) -> dict[str, Iterable[list[str]]]:
    session = words("sourcedId status dateLastModified title type startDate endDate parentSourcedId schoolYear")
    year = ["year", "", "", "2026/27", "schoolYear", "2026-08-31", "2027-06-12", "", "2027"]
    classes = words(
        "sourcedId status dateLastModified title grades courseSourcedId classCode classType location schoolSourcedId "
        "termSourcedIds subjects subjectCodes periods"
    )
    homerooms = [
        [f"class-{org}", "", "", f"Homeroom {name}", "", "course", "", "homeroom", "", org, "year", "", "", ""]
        for org, name in district.orgs.items()
    ]
    return {
        "academicSessions": [session, year],
        "classes": [classes, *homerooms],
        "enrollments": _enrollment_rows(district),
        "demographics": _demographic_rows(district),
    }


def _enrollment_rows(district: District) -> Iterable[list[str]]:
    yield words(
        "sourcedId status dateLastModified classSourcedId schoolSourcedId userSourcedId role primary beginDate "
        "endDate"
    )
    for user in district.users.values():
        if user.kind != "guardian":
            for org in user.orgs:
                own, role = f"e-{user.sourced_id}-{org}", user.roles[0]
                yield [own, "", "", f"class-{org}", org, user.sourced_id, role, "", "", ""]


def _demographic_rows(district: District) -> Iterable[list[str]]:
    yield words("sourcedId status dateLastModified birthDate sex")
    for user in district.of_kind("student"):
        yield [user.sourced_id, "", "", "2014-02-03", ""]


if __name__ == "__main__":
    target, school_count, student_count, wanted = sys.argv[1:5]
    made = write_district(Path(target), version=wanted, schools=int(school_count), students=int(student_count))
    print(f"{len(made.users)} users, {len(made.links)} links in {target}")
