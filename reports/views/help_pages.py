from django.http import HttpRequest, HttpResponse


def help_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")
