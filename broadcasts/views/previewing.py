from django.http import HttpRequest, HttpResponse


def broadcast_preview(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def broadcast_preview_html(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def broadcast_test(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")
