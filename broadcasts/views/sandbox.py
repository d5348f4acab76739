"""The mailboxes of the sandbox: what the recipients of a rehearsal got."""

import re

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from broadcasts.models import Delivery
from broadcasts.roles import signed_in_user
from broadcasts.sandbox.mailboxes import Letter, find_messages, open_message, read_summaries
from broadcasts.sandbox.recipients import BEHAVIOURS
from broadcasts.views.attaching import HARMLESS

MESSAGES_A_PAGE = 50
# A message may come from anywhere: what is no picture that browsers only draw is not shown.
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


@require_safe
def mailbox_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    search = request.GET.get("q", "").strip()[:320]
    page = Paginator(find_messages(user, search), MESSAGES_A_PAGE).get_page(request.GET.get("page"))
    summaries = read_summaries(page)
    visible = Delivery.objects.visible_to(user).select_related("broadcast__school")
    deliveries = visible.in_bulk([one.delivery_id for one in summaries if one.delivery_id])
    context = {
        "search": search,
        "page": page,
        "table": {"prefixed_page_field": "page", "paginator": page.paginator},
        "rows": [(summary, deliveries.get(summary.delivery_id or 0)) for summary in summaries],
        "behaviours": BEHAVIOURS,
    }
    return render(request, "broadcasts/sandbox.html", context)


@require_safe
def message_detail(request: HttpRequest, pk: int) -> HttpResponse:
    letter = _find_letter(request, pk)
    visible = Delivery.objects.visible_to(signed_in_user(request)).select_related("broadcast__school")
    context = {
        "letter": letter,
        "message": letter.message,
        "files": [part for part in letter.parts if not part.is_inline],
        "delivery": visible.filter(pk=letter.summary.delivery_id or 0).first(),
    }
    return render(request, "broadcasts/sandbox_message.html", context)


@require_safe
@xframe_options_sameorigin
@csp(  # type: ignore[arg-type]  # its types know views without further arguments only
    {
        "default-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        # The pictures of an email, the one that says Opened among them, are fetched as a mail program would.
        "img-src": [SELF, "data:", "http:", "https:"],
        "frame-ancestors": [SELF],
        "base-uri": [NONE],
        "form-action": [NONE],
    }
)
def message_html(request: HttpRequest, pk: int) -> HttpResponse:
    letter = _find_letter(request, pk)
    if not letter.html:
        raise Http404(_("This email has no HTML part."))
    html = letter.html
    for part in letter.parts:
        if part.is_inline:
            address = reverse("broadcasts:sandbox-message-part", args=[pk, part.number])
            html = html.replace(f"cid:{part.content_id}", address)
    response = HttpResponse(_with_links_outside(html))
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
@csp(HARMLESS)  # type: ignore[arg-type]
def message_part(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """A file as a download; a picture of the message as itself."""
    part = next((one for one in _find_letter(request, pk).parts if one.number == number), None)
    if part is None:
        raise Http404
    kind = part.part.get_content_type()
    if part.is_inline and kind in PICTURES:
        return HttpResponse(part.content, content_type=kind)
    response = HttpResponse(part.content, content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(True, part.filename) or "attachment"
    return response


def _with_links_outside(html: str) -> str:
    """Links open in a window of their own: inside the frame, their pages would be refused."""
    base = '<base target="_blank">'
    marked, count = re.subn(r"<head[^>]*>", lambda found: found[0] + base, html, count=1, flags=re.IGNORECASE)
    return marked if count else base + html


def _find_letter(request: HttpRequest, pk: int) -> Letter:
    letter = open_message(signed_in_user(request), pk)
    if letter is None:
        raise Http404
    return letter
