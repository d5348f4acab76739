"""For programs that watch over Messenger; nobody signs in here."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from reports.operations.exposition import CONTENT_TYPE, write_metrics
from reports.operations.metrics import collect
from reports.operations.readiness import check_everything


@never_cache
@require_safe
@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when all is there that an email needs, else 503. What is wrong is told to those who know the token."""
    checks = check_everything()
    is_ready = all(check.is_fine for check in checks)
    is_trusted = knows_token(request)
    told = {
        check.name: check.problem if is_trusted and check.problem else ("ok" if check.is_fine else "failed")
        for check in checks
    }
    response = JsonResponse({"ready": is_ready, "checks": told}, status=200 if is_ready else 503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  (an answer, not an error of the site)
    return response


@never_cache
@require_safe
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.METRICS_TOKEN:
        raise Http404
    if not knows_token(request):
        denied = HttpResponse("The token of METRICS_TOKEN is needed.\n", status=401, content_type="text/plain")
        denied["WWW-Authenticate"] = "Bearer"
        return denied
    return HttpResponse(write_metrics(collect(timezone.now())), content_type=CONTENT_TYPE)


def knows_token(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    return bool(wanted) and scheme.lower() == "bearer" and constant_time_compare(given.strip(), wanted)
