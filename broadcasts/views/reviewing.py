from django.http import HttpRequest, HttpResponse


def broadcast_review(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def broadcast_review_names(request: HttpRequest, pk: int, slug: str) -> HttpResponse:
    return HttpResponse("")
