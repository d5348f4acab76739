"""Where Anymail's own urls would be, so that its documentation holds for us word by word."""

from django.urls import URLPattern, path, re_path

from tracking.webhooks.inbound import INBOUND
from tracking.webhooks.providers import PROVIDERS
from tracking.webhooks.views import inbound_door, tracking_door

app_name = "anymail"
urlpatterns: list[URLPattern] = [
    *(
        path(f"{slug}/tracking/", tracking_door(provider), name=f"{slug}_tracking_webhook")
        for slug, provider in PROVIDERS.items()
    ),
    *(
        path(f"{slug}/inbound/", inbound_door(provider), name=f"{slug}_inbound_webhook")
        for slug, provider in INBOUND.items()
    ),
    # With "mime" in its address Mailgun hands over the email as it came.
    re_path(r"^mailgun/inbound_mime/$", inbound_door(INBOUND["mailgun"]), name="mailgun_inbound_mime_webhook"),
    # Mandrill signs the address: one for both kinds.
    path("mandrill/", tracking_door(PROVIDERS["mandrill"]), name="mandrill_webhook"),
]
