from django.http import HttpRequest, HttpResponse


def list_list(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


def list_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def list_delete(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")
