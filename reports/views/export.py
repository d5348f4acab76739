from django.http import HttpRequest, HttpResponse


def email_log_export(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")
