from django.http import HttpRequest, HttpResponse


def broadcast_list(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


def broadcast_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def broadcast_progress(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")
