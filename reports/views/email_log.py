from django.http import HttpRequest, HttpResponse


def email_log(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


def delivery_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse("")
