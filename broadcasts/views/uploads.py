from django.http import HttpRequest, HttpResponse


def upload_new(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


def upload_check(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def upload_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def upload_discard(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")
