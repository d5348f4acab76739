from django.http import HttpRequest, HttpResponse


def broadcast_new(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


def broadcast_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def broadcast_autosave(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def broadcast_delete(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")
