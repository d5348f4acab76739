"""The page behind "stop these emails", and the one-click door of RFC 8058 at the same address."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from broadcasts.forgetting.anonymous import as_known_today
from broadcasts.models import Delivery
from broadcasts.tokens import read_token
from tracking.unsubscribing import find_choices, required_types, save_choices, unsubscribe


@login_not_required
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """GET never acts: mail scanners follow every link. The token is all the authority there is, or needed."""
    delivery = _find_delivery(token)
    if delivery is None:
        return render(request, "tracking/incomplete_link.html")
    school = delivery.broadcast.school
    delivery = as_known_today(delivery)
    if delivery is None:
        return render(request, "tracking/old_link.html", {"school": school})
    notice, is_done = _act(request, delivery) if request.method == "POST" else ("", False)
    context = {
        "delivery": delivery,
        "school": school,
        "address": masked(delivery.email),
        "choices": find_choices(delivery),
        "required": required_types(),
        "notice": notice,
        "is_done": is_done,
    }
    return render(request, "tracking/preferences.html", context)


def _find_delivery(token: str) -> Delivery | None:
    delivery_id = read_token(token, "preferences")
    rows = Delivery.objects.filter(is_sendable=True).select_related("broadcast__school", "broadcast__broadcast_type")
    return rows.filter(pk=delivery_id).first() if delivery_id is not None else None


def _act(request: HttpRequest, delivery: Delivery) -> tuple[str, bool]:
    """What was done or why not, in a sentence, and whether. Anything but the two forms we know does nothing."""
    kind = delivery.broadcast.broadcast_type
    if request.POST.get("List-Unsubscribe") == "One-Click" and kind:
        if unsubscribe(delivery):
            return _("You will get no more %(type)s messages at this address.") % {"type": kind.name}, True
        words = _("%(type)s messages cannot be switched off here, so nothing was changed.")
        return words % {"type": kind.name}, False
    if "save" in request.POST:
        save_choices(delivery, set(request.POST.getlist("types")))
        return _("Your choices are saved."), True
    return "", False


def masked(address: str) -> str:
    """Enough for its owner to know it, too little for a stranger with the link."""
    local_part, _at, domain = address.rpartition("@")
    return f"{local_part[:1]}•••@{domain}"
