"""Who in the directory a staged row means: by the id of the student information system, or else by name."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b

from broadcasts.models import EmailAddress, Import, MatchCandidate, Person, StagedPerson
from broadcasts.people.importing.executing import execute
from broadcasts.people.importing.loading import load_rows

CHUNK = 2_000

AT_HOME = """
UPDATE broadcasts_stagedperson AS s SET person_id = p.id FROM broadcasts_person p
WHERE s.of_import_id = %(import)s AND s.action = '' AND s.sis_id <> ''
    AND p.school_id = s.school_id AND p.sis_id = s.sis_id AND NOT (p.sis_id = '')
"""
# What was found before is forgotten on the way; old values are written anew with the action.
AT_HOME_NOW = """
UPDATE broadcasts_stagedperson AS s SET action = '', person_id = found.person_id
FROM (
    SELECT r.id, p.id AS person_id FROM broadcasts_stagedperson r
    LEFT JOIN broadcasts_person p ON p.school_id = r.school_id AND p.sis_id = r.sis_id AND NOT (p.sis_id = '')
    WHERE r.of_import_id = %(import)s AND r.number > 0 AND r.action <> 'rejected'
) AS found
WHERE s.id = found.id
"""
# A school's import: who is at home elsewhere and belongs to it besides.
BESIDES = """
UPDATE broadcasts_stagedperson AS s SET person_id = known.id
FROM (
    SELECT p.sis_id, MIN(p.id) AS id FROM broadcasts_person p
    JOIN broadcasts_personschool b ON b.person_id = p.id
    WHERE b.school_id = %(school)s AND NOT (p.sis_id = '') GROUP BY p.sis_id
) AS known
WHERE s.of_import_id = %(import)s AND s.action = '' AND s.person_id IS NULL AND s.sis_id = known.sis_id
"""
# A district's import: who was at another school so far.
ELSEWHERE = """
UPDATE broadcasts_stagedperson AS s SET person_id = known.id
FROM (
    SELECT sis_id, id, ROW_NUMBER() OVER (PARTITION BY sis_id ORDER BY is_active DESC, id) AS nth
    FROM broadcasts_person WHERE NOT (sis_id = '')
) AS known
WHERE s.of_import_id = %(import)s AND s.action = '' AND s.person_id IS NULL AND s.sis_id = known.sis_id
    AND known.nth = 1
"""
# Somebody who was known before there were ids, by name and an address, when nobody else can be meant.
WITHOUT_ID = """
UPDATE broadcasts_stagedperson AS s SET person_id = pairs.person_id
FROM (
    SELECT staged_id, person_id, COUNT(*) OVER (PARTITION BY staged_id) AS people,
        COUNT(*) OVER (PARTITION BY person_id) AS meanings
    FROM (
        SELECT DISTINCT r.id AS staged_id, c.person_id FROM broadcasts_stagedperson r
        JOIN broadcasts_matchcandidate c
            ON c.of_import_id = r.of_import_id AND c.name_key = r.name_key AND NOT c.has_id
        JOIN broadcasts_stagedaddress a ON a.staged_id = r.id
        JOIN broadcasts_emailaddress e ON e.person_id = c.person_id AND e.key = a.key
        WHERE r.of_import_id = %(import)s AND r.action = '' AND r.person_id IS NULL AND r.sis_id <> ''
    ) AS found
) AS pairs
WHERE s.id = pairs.staged_id AND pairs.people = 1 AND pairs.meanings = 1
"""
# Rows without an id: several people who look the same are as many people.
ALIKE = """
UPDATE broadcasts_stagedperson AS s SET person_id = c.person_id
FROM (
    SELECT id, match_key, kind, school_id, ROW_NUMBER() OVER (PARTITION BY {of_row} ORDER BY number, id) AS nth
    FROM broadcasts_stagedperson
    WHERE of_import_id = %(import)s AND action = '' AND sis_id = '' AND says_addresses AND person_id IS NULL
) AS r
JOIN (
    SELECT k.person_id, k.match_key, p.kind, p.school_id,
        ROW_NUMBER() OVER (PARTITION BY {of_person} ORDER BY k.is_active DESC, k.person_id) AS nth
    FROM broadcasts_matchcandidate k JOIN broadcasts_person p ON p.id = k.person_id
    WHERE k.of_import_id = %(import)s AND NOT EXISTS (
        SELECT 1 FROM broadcasts_stagedperson t WHERE t.person_id = k.person_id AND t.of_import_id = %(import)s)
) AS c ON c.match_key = r.match_key AND c.nth = r.nth AND {fits}
WHERE s.id = r.id
"""
# A father and his son of one name are two people. Guardian is also what those are called of whom no file said.
_FITS = "(r.kind = '' OR c.kind IN (r.kind, 'guardian'))"
# The better matches first: at the same school and of the same kind, at the same school, at another by an address.
ALIKE_IN_TURN = (
    ALIKE.format(
        of_row="match_key, school_id, kind",
        of_person="k.match_key, p.school_id, p.kind",
        fits="c.school_id = r.school_id AND c.kind = r.kind",
    ),
    ALIKE.format(
        of_row="match_key, school_id",
        of_person="k.match_key, p.school_id",
        fits=f"c.school_id = r.school_id AND {_FITS}",
    ),
    ALIKE.format(
        of_row="match_key",
        of_person="k.match_key",
        fits=f"{_FITS} AND EXISTS (SELECT 1 FROM broadcasts_stagedaddress a WHERE a.staged_id = r.id)",  # noqa: S608
    ),
)
# Where the file has neither ids nor addresses, as many of a name as the directory has are the same people.
AS_MANY = """
UPDATE broadcasts_stagedperson AS s SET person_id = c.person_id
FROM (
    SELECT id, name_key, school_id, COALESCE(NULLIF(kind, ''), 'guardian') AS kind, COUNT(*) OVER (
            PARTITION BY name_key, school_id, COALESCE(NULLIF(kind, ''), 'guardian')) AS people,
        ROW_NUMBER() OVER (PARTITION BY name_key, school_id, COALESCE(NULLIF(kind, ''), 'guardian')
            ORDER BY COALESCE(grade, ''), number, id) AS nth
    FROM broadcasts_stagedperson
    WHERE of_import_id = %(import)s AND action = '' AND sis_id = '' AND NOT says_addresses AND person_id IS NULL
) AS r
JOIN (
    SELECT k.person_id, k.name_key, p.school_id, p.kind,
        COUNT(*) OVER (PARTITION BY k.name_key, p.school_id, p.kind) AS people,
        ROW_NUMBER() OVER (PARTITION BY k.name_key, p.school_id, p.kind ORDER BY p.grade, p.id) AS nth
    FROM broadcasts_matchcandidate k JOIN broadcasts_person p ON p.id = k.person_id
    WHERE k.of_import_id = %(import)s AND p.is_active AND NOT EXISTS (
        SELECT 1 FROM broadcasts_stagedperson t WHERE t.person_id = k.person_id AND t.of_import_id = %(import)s)
) AS c ON c.name_key = r.name_key AND c.school_id = r.school_id AND c.kind = r.kind AND c.nth = r.nth
    AND c.people = r.people
WHERE s.id = r.id
"""
# The same name with other addresses is the same person only when nobody else at the school could be meant.
NAMESAKES = f"""
UPDATE broadcasts_stagedperson AS s SET person_id = c.person_id
FROM (
    SELECT MIN(id) AS id, MIN(kind) AS kind, school_id, name_key FROM broadcasts_stagedperson
    WHERE of_import_id = %(import)s AND action = '' AND sis_id = '' AND person_id IS NULL
    GROUP BY school_id, name_key HAVING COUNT(*) = 1
) AS r
JOIN (
    SELECT MIN(k.person_id) AS person_id, MIN(p.kind) AS kind, p.school_id, k.name_key
    FROM broadcasts_matchcandidate k JOIN broadcasts_person p ON p.id = k.person_id
    WHERE k.of_import_id = %(import)s AND NOT EXISTS (
        SELECT 1 FROM broadcasts_stagedperson t WHERE t.person_id = k.person_id AND t.of_import_id = %(import)s)
    GROUP BY p.school_id, k.name_key HAVING COUNT(*) = 1
) AS c ON c.name_key = r.name_key AND c.school_id = r.school_id AND {_FITS}
WHERE s.id = r.id
"""  # noqa: S608


def match_people(import_: Import, *, again: bool = False) -> None:
    """Inside a transaction: the candidates are gone at its end."""
    execute(import_, AT_HOME_NOW if again else AT_HOME)
    execute(import_, ELSEWHERE if import_.school_id is None else BESIDES)
    unmatched = StagedPerson.objects.filter(of_import=import_, action="", person=None)
    if not unmatched.exists():
        return
    by_name = unmatched.filter(sis_id="").exists()
    _load_candidates(import_, by_name=by_name)
    execute(import_, WITHOUT_ID)
    if by_name:
        for statement in (*ALIKE_IN_TURN, AS_MANY):
            execute(import_, statement)
        execute(import_, NAMESAKES)
    execute(import_, "DELETE FROM broadcasts_matchcandidate WHERE of_import_id = %(import)s")


def name_key(name: str) -> str:
    """Equal for names that differ in case only, in any alphabet: neither database folds all of them."""
    return _digest(name.casefold())


def match_key(name: str, address_keys: Iterable[str]) -> str:
    return _digest("\0".join([name.casefold(), *sorted(address_keys)]))


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _load_candidates(import_: Import, *, by_name: bool) -> None:
    """Whom the ids cannot find; for rows without an id everybody."""
    people = Person.objects.order_by("pk")
    if import_.school_id is not None:
        people = people.filter(school=import_.school_id)
    if not by_name:
        people = people.filter(sis_id="")
    fields = ("of_import", "person", "name_key", "match_key", "has_id", "is_active")
    last = 0
    while chunk := list(people.filter(pk__gt=last).values_list("pk", "name", "sis_id", "is_active")[:CHUNK]):
        keys = _address_keys(last, chunk[-1][0]) if by_name else {}
        last = chunk[-1][0]
        rows = (
            (import_.pk, pk, name_key(name), match_key(name, keys.get(pk, ())), bool(sis_id), is_active)
            for pk, name, sis_id, is_active in chunk
        )
        load_rows(MatchCandidate, fields, rows)


def _address_keys(after: int, until: int) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    addresses = EmailAddress.objects.filter(person__gt=after, person__lte=until, is_active=True).order_by()
    for person, key in addresses.values_list("person_id", "key"):
        found[person].append(key)
    return found
