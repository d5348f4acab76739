from django.http import HttpRequest, HttpResponse


def pixel(request: HttpRequest, token: str) -> HttpResponse:
    return HttpResponse("")
