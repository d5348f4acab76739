from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """200 while this process answers; asks nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")
