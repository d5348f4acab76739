"""How a draft will look to one of its recipients, and a test email to oneself."""

from dataclasses import replace
from functools import partial

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from broadcasts.addresses import explain_invalid
from broadcasts.composing.compiling import Recipient, compile_broadcast
from broadcasts.composing.drafting import what_is_missing
from broadcasts.composing.headers import envelope_sender
from broadcasts.composing.pictures import as_pages, picture_path
from broadcasts.composing.previewing import find_person, people_to_preview, preview_recipient
from broadcasts.delivering.transports import MailServerTrouble, send_plain
from broadcasts.models import Broadcast, Person
from broadcasts.roles import signed_in_user
from broadcasts.views.attaching import files_of
from broadcasts.views.posting import post_only
from broadcasts.views.reviewing import find_broadcast

MOST_PEOPLE = 50
VIEWS = ("html", "phone", "text")


@require_safe
def broadcast_preview(request: HttpRequest, pk: int) -> HttpResponse:
    broadcast = find_broadcast(request, pk)
    name = request.GET.get("name", "").strip()[:200]
    people = people_to_preview(broadcast, name, MOST_PEOPLE)
    person = _chosen(request, broadcast, people)
    recipient = preview_recipient(broadcast, person)
    compiled = compile_broadcast(broadcast)
    view = request.GET.get("view", "")
    context = {
        "broadcast": broadcast,
        "people": people,
        "person": person,
        "name": name,
        "recipient": recipient,
        "files": files_of(broadcast),
        "subject": compiled.subject_for(recipient),
        "text": compiled.text_for(recipient),
        "view": view if view in VIEWS else "html",
        "missing": what_is_missing(broadcast) if broadcast.is_editable else [],
        "most_people": MOST_PEOPLE,
    }
    return render(request, "broadcasts/preview.html", context)


# A page of its own with a policy of its own: in an iframe with srcdoc the mail's styles would fall to ours.
@require_safe
@xframe_options_sameorigin
@csp_replace(  # type: ignore[arg-type]  # its types know of no arguments from the address
    {
        "default-src": [NONE],
        "script-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        "img-src": [SELF, "data:", "http:", "https:"],
        "font-src": [NONE],
        "connect-src": [NONE],
        "form-action": [NONE],
        "frame-src": [NONE],
        "frame-ancestors": [SELF],
    }
)
def broadcast_preview_html(request: HttpRequest, pk: int) -> HttpResponse:
    """As one of its recipients; `?language=`: as somebody made up who reads this language."""
    broadcast = find_broadcast(request, pk)
    language = request.GET.get("language", "")[:20]
    person = None if language else _chosen(request, broadcast, [])
    recipient = preview_recipient(broadcast, person)
    if language:
        recipient = replace(recipient, language=language)
    html = compile_broadcast(broadcast).html_for(recipient)
    return HttpResponse(as_pages(html, partial(picture_path, broadcast.pk)))


@post_only("broadcasts:broadcast-preview")
def broadcast_test(request: HttpRequest, pk: int) -> HttpResponse:
    broadcast = find_broadcast(request, pk)
    person = find_person(broadcast, request.POST.get("person", ""))
    if problem := _why_no_test(request, broadcast):
        messages.error(request, problem)
    else:
        _send_test(request, broadcast, preview_recipient(broadcast, person) if person else None)
    query = urlencode({"person": person.pk} if person else {})
    return redirect(f"{reverse('broadcasts:broadcast-preview', args=[pk])}?{query}")


def _why_no_test(request: HttpRequest, broadcast: Broadcast) -> str:
    address = signed_in_user(request).email
    if not address:
        return _(
            "Your account has no email address, so there is nowhere to send a test. Ask an administrator to add it."
        )
    if explain_invalid(address):
        return _("Your account's email address is not a valid one. Ask an administrator to correct it.")
    if broadcast.sender is None:
        return _("Choose a sender first: an email must come from somebody.")
    return ""


def _send_test(request: HttpRequest, broadcast: Broadcast, shown: Recipient | None) -> None:
    """With the name of the chosen recipient in it, to the user's own address."""
    user = signed_in_user(request)
    name = shown.name if shown else user.display_name
    language = shown.language if shown else broadcast.school.language
    recipient = Recipient(None, name, user.email, language)
    message = compile_broadcast(broadcast).message_for(recipient, subject_prefix=_("[Test] "))
    try:
        send_plain(envelope_sender(broadcast), user.email, message)
    except MailServerTrouble as trouble:
        messages.error(request, _("The test was not sent. %(trouble)s") % {"trouble": trouble})
        return
    words = _("A test is on its way to %(address)s.") % {"address": user.email}
    if settings.MAIL_IS_SANDBOX:
        words += " " + _("You find it in the sandbox mailboxes.")
    messages.success(request, words)


def _chosen(request: HttpRequest, broadcast: Broadcast, people: list[Person]) -> Person | None:
    """The one asked for, else the first one."""
    asked = find_person(broadcast, request.GET.get("person", ""))
    if asked and (asked in people or not request.GET.get("name")):
        return asked
    return next(iter(people or people_to_preview(broadcast, "", 1)), None)
