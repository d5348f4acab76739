"""Words and figures as every page shows them. Built into all templates."""

from datetime import datetime

from django import template
from django.template.defaultfilters import date as format_date
from django.utils import timezone

from broadcasts.results import Result

register = template.Library()


@register.filter
def moment(value: datetime | None) -> str:
    """Like `May 11, 2017 9:44 am`, on the current time zone's clock; empty for None."""
    if value is None:
        return ""
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    half = "am" if local.hour < 12 else "pm"
    return f"{format_date(local, 'M j, Y g:i')} {half}"


@register.filter
def result_label(code: int) -> str:
    return str(Result(code).label)


@register.filter
def result_slug(code: int) -> str:
    """For class names: `soft-bounced`."""
    return Result(code).label.lower().replace(" ", "-")
