"""Lists that contain themselves by way of others."""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

from broadcasts.models import List, School
from broadcasts.people.lists.definitions import Definition, load_definitions

MOST_LISTS = 50


def explain_circle(found: List, parts: Iterable[int]) -> str:
    """Why `found` cannot be made of these parts; empty when it can."""
    known = load_definitions(parts)
    if len(known) > MOST_LISTS:
        words = _("Together these lists are made of %(number)s lists; %(most)s are the most.")
        return words % {"number": len(known), "most": MOST_LISTS}
    path = _way_back(found.pk, parts, known) if found.pk else []
    if not path:
        return ""
    words = _("The list would contain itself: %(way)s. Leave one of them out.")
    return words % {"way": " → ".join(_names(found, path))}


def _way_back(start: int, parts: Iterable[int], known: Mapping[int, Definition]) -> list[int]:
    """The lists from `start` down to `start` again; empty when none of its parts leads there."""
    reached_by: dict[int, int] = dict.fromkeys(parts, start)
    waiting = list(reached_by)
    while waiting:
        number = waiting.pop()
        if number == start:
            return _path(start, reached_by)
        for part in known[number].parts if number in known else ():
            if part not in reached_by:
                reached_by[part] = number
                waiting.append(part)
    return []


def _path(start: int, reached_by: Mapping[int, int]) -> list[int]:
    path = [start, reached_by[start]]
    while path[-1] != start:
        path.append(reached_by[path[-1]])
    return path[::-1]


def _names(found: List, path: Iterable[int]) -> list[str]:
    lists = List.objects.select_related("school").in_bulk(list(path))
    return [name_for(lists[number], found.school) for number in path]


def name_for(part: List, school: School) -> str:
    """Another school's list by its name while that school publishes it."""
    if part.is_published or part.school_id == school.pk:
        return part.name
    return _("a list of %(school)s that is not published") % {"school": part.school}
