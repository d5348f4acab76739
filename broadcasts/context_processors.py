from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:  # noqa: ARG001
    """What the layout needs on every page."""
    return {"has_sandbox": settings.MAIL_IS_SANDBOX}
