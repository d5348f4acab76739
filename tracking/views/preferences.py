from django.http import HttpRequest, HttpResponse


def preferences(request: HttpRequest, token: str) -> HttpResponse:
    return HttpResponse("")
