"""The schools that a district's file has and Messenger has not."""

from collections.abc import Iterator

from django.db import transaction
from django.utils.text import slugify

from broadcasts import audit
from broadcasts.models import Import, School, User
from broadcasts.people.importing.oneroster.orgs import SCHOOL, OrgInfo, find_schools, missing_among, read_orgs
from broadcasts.people.importing.oneroster.package import open_package
from broadcasts.people.importing.rows import Warnings
from broadcasts.people.importing.stored_file import open_stored

LONGEST_SLUG = 50


def missing_schools(import_: Import) -> list[OrgInfo]:
    """Raises UnreadableFile. Nothing is missing from a school's own import, or from another format."""
    return missing_among(_orgs_of(import_))


@transaction.atomic
def add_missing_schools(import_: Import, by: User | None) -> list[School]:
    """Add them, and note the ids of those that were found by name: a delta may come without names."""
    infos = _orgs_of(import_)
    found = find_schools(infos, None)
    for info in infos:
        if (school := found.get(info.sourced_id)) and not school.sis_id:
            _remember_id(school, info, by)
    model = School.objects.order_by("pk").first()
    return [_add(info, model, by) for info in infos if info.type == SCHOOL and info.sourced_id not in found]


def _orgs_of(import_: Import) -> list[OrgInfo]:
    if import_.school_id or import_.format != Import.Format.ONEROSTER:
        return []
    with open_stored(import_) as file, open_package(file, Warnings()) as package:
        return list(read_orgs(package).values())


def _remember_id(school: School, info: OrgInfo, by: User | None) -> None:
    school.sis_id = info.sourced_id
    school.save(update_fields=["sis_id"])
    audit.record(by, "school.changed", school, school=school, sis_id=info.sourced_id)


def _add(info: OrgInfo, model: School | None, by: User | None) -> School:
    school = School.objects.create(
        name=_free_name(info),
        slug=_free_slug(info.name),
        sis_id=info.sourced_id,
        time_zone=model.time_zone if model else "UTC",
        language=model.language if model else "en",
    )
    audit.record(by, "school.added", school, school=school, sis_id=info.sourced_id)
    return school


def _free_name(info: OrgInfo) -> str:
    is_taken = School.objects.filter(name__iexact=info.name).exists()
    return f"{info.name[:90]} ({info.sourced_id[:90]})" if is_taken or not info.name else info.name


def _free_slug(name: str) -> str:
    slugs = _slugs_like(slugify(name)[: LONGEST_SLUG - 6].strip("-") or "school")
    return next(slug for slug in slugs if not School.objects.filter(slug=slug).exists())


def _slugs_like(slug: str) -> Iterator[str]:
    yield slug
    for number in range(2, 100_000):
        yield f"{slug}-{number}"
