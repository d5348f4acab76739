from django.http import HttpRequest, HttpResponse


def mailbox_list(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


def message_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")


def message_html(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")
