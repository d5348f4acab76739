from django.http import HttpRequest, HttpResponse


def broadcast_send(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def broadcast_undo(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def broadcast_pause(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def broadcast_resume(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def broadcast_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")
