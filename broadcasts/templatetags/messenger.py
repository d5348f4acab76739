"""Words and figures as every page shows them. Built into all templates."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import template
from django.template import Context
from django.template.base import render_value_in_context
from django.template.defaultfilters import date as format_date
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language_info, ngettext
from django.utils.translation import gettext as _

from broadcasts.models import School
from broadcasts.results import Result

register = template.Library()


@register.filter
def moment(value: datetime | None, school: School | None = None) -> str:
    """Like `May 11, 2017 9:44 am`, on this school's clock or else the current time zone's; empty for None."""
    if value is None:
        return ""
    local = localtime(value, school) if timezone.is_aware(value) else value
    half = "am" if local.hour < 12 else "pm"
    return f"{format_date(local, 'M j, Y g:i')} {half}"


def localtime(value: datetime, school: School | None) -> datetime:
    return timezone.localtime(value, ZoneInfo(school.time_zone) if school else None)


@register.filter
def duration(seconds: int | None) -> str:
    """Like `45 seconds`, `12 minutes`, `3 hours`: as exact as a reader needs; empty for None."""
    if seconds is None:
        return ""
    if seconds < 90:
        return ngettext("%(n)s second", "%(n)s seconds", seconds) % {"n": seconds}
    if seconds < 90 * 60:
        minutes = round(seconds / 60)
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    hours = round(seconds / 3600)
    if hours < 48:
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    days = round(seconds / 86400)
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


@register.filter
def language_name(code: str) -> str:
    """A language in the reader's own words; its code where Django does not know it."""
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


@register.filter
def result_label(code: int) -> str:
    return str(Result(code).label)


@register.filter
def result_slug(code: int) -> str:
    """For class names: `soft-bounced`."""
    return Result(code).label.lower().replace(" ", "-")


@register.simple_tag
def result_badge(result: int | str, link: bool = True) -> SafeString:  # noqa: FBT001, FBT002
    """A pill for a result's code or label; it leads to what the label means unless it stands inside a link."""
    label = result if isinstance(result, str) else str(Result(result).label)
    slug = label.lower().replace(" ", "-")
    if not link:
        return format_html('<span class="result result-{}">{}</span>', slug, label)
    return format_html(
        '<a class="result result-{}" href="{}#{}" title="{}">{}</a>',
        slug,
        reverse("reports:help"),
        slug,
        _("What does this mean?"),
        label,
    )


@register.inclusion_tag("partials/result_counts.html")
def result_counts(counts: Mapping[str, int], url: str = "", parameter: str = "result") -> dict[str, object]:
    """All ten labels as number tiles, in the order given; with `url`, each opens its rows (`url?result=slug`)."""
    joint = "&" if "?" in url else "?"
    tiles = []
    for label, count in counts.items():
        slug = label.lower().replace(" ", "-")
        href = f"{url}{joint}{urlencode({parameter: slug})}" if url else ""
        tiles.append({"label": label, "count": count, "slug": slug, "href": href})
    return {"tiles": tiles}


@register.simple_tag(takes_context=True)
def table_rows(context: Context, table: Any) -> SafeString:
    """The rows of a django-tables2 table; a template loop over them is the dearest part of the Email Log's page."""
    labels = {
        column.name: f'<td data-label="{conditional_escape(column.header)}" {column.attrs.get("td", {}).as_html()}>'
        for column in table.columns
    }
    cells_of = getattr(table, "cells_of", None)
    rows = []
    for row in table.paginated_rows:
        named = cells_of(row.record) if cells_of else ((column.name, cell) for column, cell in row.items())
        cells = [f"{labels[name]}{render_value_in_context(cell, context)}</td>" for name, cell in named]
        rows.append(f"<tr {row.attrs.as_html()}>{''.join(cells)}</tr>\n")
    return mark_safe("".join(rows))  # noqa: S308 - every part was escaped on its way in


@register.simple_tag(takes_context=True)
def nav_link(context: Context, name: str, label: str) -> SafeString:
    """A link of the main navigation; it says when it is this page's, or its section's."""
    url = reverse(name)
    request = context.get("request")
    path = request.path if request else ""
    current = mark_safe(' aria-current="page"') if path == url else ""
    if not current and url != "/" and path.startswith(url):
        current = mark_safe(' aria-current="true"')
    return format_html('<a href="{}"{}>{}</a>', url, current, label)
