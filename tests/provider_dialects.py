"""How the API of each provider reads a request and answers it, as their documentation has it."""

import base64
import json
import re
import uuid
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from html import escape
from typing import Any
from urllib.parse import parse_qs

from tests.provider_server import KEY, Dialect, Email, Reply, Request

Refuses = Mapping[str, str]


def none_if_invalid(emails: list[Email], refuses: Refuses) -> list[Email]:
    """One address that is not valid spoils the whole request."""
    if any(refuses.get(email.to) == "invalid" for email in emails):
        return []
    return emails


def but_refused(emails: list[Email], refuses: Refuses) -> list[Email]:
    return [email for email in emails if email.to not in refuses]


def new_id() -> str:
    return str(uuid.uuid4())


# --- whole emails -------------------------------------------------------------------------------------------


def postmark_read(request: Request) -> list[Email]:
    data = request.data
    return [postmark_email(one) for one in (data if request.path == "/email/batch" else [data])]


def postmark_email(data: Any) -> Email:
    name, address = parseaddr(data["To"])
    assert set(data) <= {"From", "To", "Subject", "TextBody", "HtmlBody", "Headers", "ReplyTo", "Metadata"} | {
        "TrackOpens",
        "TrackLinks",
        "Attachments",
    }, set(data)
    headers = {one["Name"]: one["Value"] for one in data.get("Headers", [])}
    files = tuple(one["Name"] for one in data.get("Attachments", []))
    words = data["Subject"], data["TextBody"], data.get("HtmlBody", "")
    return Email(address, name, data["From"], *words, headers, data.get("Metadata", {}), data["TrackOpens"], files)


def postmark_answer(request: Request, emails: list[Email], refuses: Refuses) -> Reply:
    answers = [postmark_says(email, refuses.get(email.to)) for email in emails]
    if request.path == "/email/batch":
        return 200, answers
    return 422 if answers[0]["ErrorCode"] else 200, answers[0]


def postmark_says(email: Email, refusal: str | None) -> dict[str, Any]:
    if refusal == "invalid":
        return {"ErrorCode": 300, "Message": f"Invalid 'To' address: '{email.to}'."}
    if refusal == "rejected":
        words = (
            "You tried to send to a recipient that has been marked as inactive.\n Found inactive addresses: "
            f"{email.to}.\n Inactive recipients are ones that have generated a hard bounce or a spam complaint. "
        )
        return {"ErrorCode": 406, "Message": words}
    if refusal == "account":
        return {"ErrorCode": 405, "Message": "Not allowed to send: out of credits"}
    return {"ErrorCode": 0, "Message": "OK", "To": email.to, "MessageID": new_id(), "SubmittedAt": "2017-05-11"}


def mailjet_read(request: Request) -> list[Email]:
    data = request.data
    return [mailjet_email({**data.get("Globals", {}), **one}) for one in data["Messages"]]


def mailjet_email(data: Any) -> Email:
    (to,) = data["To"]
    assert "TemplateLanguage" not in data
    words = data["Subject"], data["TextPart"], data["HTMLPart"]
    metadata = json.loads(data["EventPayload"])
    tracks = data["TrackOpens"] == "enabled"
    return Email(to["Email"], to.get("Name", ""), data["From"]["Email"], *words, data["Headers"], metadata, tracks)


def mailjet_answer(_request: Request, emails: list[Email], refuses: Refuses) -> Reply:
    answers = [
        {"Status": "error", "Errors": [{"ErrorMessage": f'"{email.to}" is an invalid email address.'}]}
        if email.to in refuses
        else {"Status": "success", "To": [{"Email": email.to, "MessageID": 456, "MessageUUID": new_id()}]}
        for email in emails
    ]
    return 400 if any(email.to in refuses for email in emails) else 200, {"Messages": answers}


def mailtrap_read(request: Request) -> list[Email]:
    data = request.data
    return [mailtrap_email(one) for one in (data["requests"] if request.path.endswith("/batch") else [data])]


def mailtrap_email(data: Any) -> Email:
    (to,) = data["to"]
    words = data["subject"], data["text"], data["html"]
    return Email(
        to["email"], to.get("name", ""), data["from"]["email"], *words, data["headers"], data["custom_variables"]
    )


def mailtrap_answer(request: Request, emails: list[Email], refuses: Refuses) -> Reply:
    answers = [
        {"success": False, "errors": [f"'to' address is invalid: {email.to}"]}
        if email.to in refuses
        else {"success": True, "message_ids": [new_id()]}
        for email in emails
    ]
    return 200, {"success": True, "responses": answers} if request.path.endswith("/batch") else answers[0]


def resend_read(request: Request) -> list[Email]:
    data = request.data
    return [resend_email(one) for one in (data if request.path == "/emails/batch" else [data])]


def resend_email(data: Any) -> Email:
    name, address = parseaddr(data["to"][0])
    metadata = json.loads(data["headers"]["X-Metadata"])
    return Email(address, name, data["from"], data["subject"], data["text"], data["html"], data["headers"], metadata)


def resend_answer(request: Request, emails: list[Email], refuses: Refuses) -> Reply:
    if not none_if_invalid(emails, refuses):
        return 422, {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field."}
    answers = [{"id": new_id()} for _ in emails]
    return 200, {"data": answers} if request.path == "/emails/batch" else answers[0]


# --- one text with places -----------------------------------------------------------------------------------


def mailgun_read(request: Request) -> list[Email]:
    assert request.path == "/lincoln.example/messages", request.path
    form = parse_qs(request.body.decode())
    every = json.loads(form["recipient-variables"][0])
    assert len(form["to"]) == len(every) <= 1000
    return [mailgun_email(form, *parseaddr(to), every) for to in form["to"]]


def mailgun_email(form: Mapping[str, list[str]], name: str, address: str, every: Any) -> Email:
    values = every[address]

    def fill(text: str) -> str:
        filled = re.sub(r"%recipient\.([^%\s]+)%", lambda found: str(values.get(found[1], "")), text)
        return filled if filled != text else re.sub(r"%unsubscribe_url%", "https://mailgun.example/u", text)

    headers = {name[2:]: fill(value[0]) for name, value in form.items() if name.startswith("h:")}
    metadata = {name[2:]: fill(value[0]) for name, value in form.items() if name.startswith("v:")}
    words = fill(form["subject"][0]), fill(form["text"][0]), fill(form["html"][0])
    return Email(address, name, form["from"][0], *words, headers, metadata, form["o:tracking-opens"][0] == "yes")


def mailgun_answer(_request: Request, emails: list[Email], refuses: Refuses) -> Reply:
    if not none_if_invalid(emails, refuses):
        return 400, {"message": "to parameter is not a valid address. please check documentation"}
    return 200, {"id": f"<{new_id()}@lincoln.example>", "message": "Queued. Thank you."}


def sparkpost_read(request: Request) -> list[Email]:
    assert request.path == "/transmissions/", request.path
    return [sparkpost_email(request.data, one) for one in request.data["recipients"]]


def sparkpost_email(data: Any, to: Any) -> Email:
    values = {**data.get("substitution_data", {}), **to["substitution_data"]}
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in values)

    def fill(text: str, quote: Callable[[str], str] = str) -> str:
        found = re.compile(r"\{\{\{\s*([\w.]+)\s*\}\}\}|\{\{(.*?)\}\}", re.DOTALL)
        return found.sub(lambda m: str(values.get(m[1], "")) if m[1] else quote(str(values.get(m[2], ""))), text)

    content = data["content"]
    headers = {name: fill(value) for name, value in content["headers"].items()}
    words = fill(content["subject"]), fill(content["text"]), fill(content["html"], escape)
    name, _address = parseaddr(fill(to["address"]["header_to"]))
    tracks = data["options"]["open_tracking"]
    return Email(to["address"]["email"], name, fill(content["from"]), *words, headers, to["metadata"], tracks)


def sparkpost_answer(_request: Request, emails: list[Email], refuses: Refuses) -> Reply:
    refused = sum(email.to in refuses for email in emails)
    counts = {
        "total_accepted_recipients": len(emails) - refused,
        "total_rejected_recipients": refused,
        "id": new_id(),
    }
    if refused == len(emails):
        return 400, {"errors": [{"message": "at least one valid recipient is required", "code": "5002"}]}
    return 200, {"results": counts}


def brevo_read(request: Request) -> list[Email]:
    assert request.path == "/smtp/email", request.path
    data = request.data
    assert len(data["messageVersions"]) <= 1000
    return [brevo_email(data, one) for one in data["messageVersions"]]


def brevo_email(data: Any, version: Any) -> Email:
    def fill(text: str) -> str:
        bare = re.fullmatch(r"\{% autoescape off %\}(.*)\{% endautoescape %\}", text, re.DOTALL)
        quote = str if bare else escape

        def value(found: re.Match[str]) -> str:
            return quote(str(version["params"].get(found[1].strip().removeprefix("params."), "")))

        return re.sub(r"\{\{(.*?)\}\}|\{[%#].*?[%#]\}", lambda m: value(m) if m[1] else "", bare[1] if bare else text)

    (to,) = version["to"]
    headers = {**data["headers"], **version["headers"]}
    metadata = json.loads(headers.pop("X-Mailin-custom"))
    words = fill(data["subject"]), fill(data["textContent"]), fill(data["htmlContent"])
    return Email(to["email"], to.get("name", ""), data["sender"]["email"], *words, headers, metadata)


def brevo_answer(_request: Request, emails: list[Email], refuses: Refuses) -> Reply:
    if not none_if_invalid(emails, refuses):
        return 400, {"code": "invalid_parameter", "message": "email is not valid in to"}
    return 201, {"messageIds": [f"<{new_id()}@smtp-relay.mailin.fr>" for _ in emails]}


# --- one email in a request ---------------------------------------------------------------------------------


def mandrill_read(request: Request) -> list[Email]:
    message = request.data["message"]
    assert request.path == "/messages/send.json"
    assert message["merge"] is False
    words = message["subject"], message["text"], message.get("html", "")
    rest = message.get("headers", {}), message.get("metadata", {}), message["track_opens"]
    return [Email(to["email"], to.get("name", ""), message["from_email"], *words, *rest) for to in message["to"]]


def mandrill_answer(_request: Request, emails: list[Email], refuses: Refuses) -> Reply:
    return 200, [
        {"email": email.to.lower(), "status": refuses.get(email.to, "sent"), "_id": new_id(), "reject_reason": None}
        for email in emails
    ]


def has_header(name: str, value: str) -> Callable[[Request], bool]:
    return lambda request: request.headers.get(name) == value


def has_basic(user: str) -> Callable[[Request], bool]:
    return has_header("Authorization", "Basic " + base64.b64encode(f"{user}:{KEY}".encode()).decode())


DIALECTS: Mapping[str, Dialect] = {
    "postmark": Dialect(has_header("X-Postmark-Server-Token", KEY), postmark_read, postmark_answer, but_refused),
    "mailjet": Dialect(has_basic(KEY), mailjet_read, mailjet_answer, but_refused),
    "mailtrap": Dialect(has_header("Api-Token", KEY), mailtrap_read, mailtrap_answer, but_refused),
    "resend": Dialect(has_header("Authorization", f"Bearer {KEY}"), resend_read, resend_answer, none_if_invalid),
    "mailgun": Dialect(has_basic("api"), mailgun_read, mailgun_answer, none_if_invalid),
    "sparkpost": Dialect(has_header("Authorization", KEY), sparkpost_read, sparkpost_answer, but_refused),
    "brevo": Dialect(has_header("api-key", KEY), brevo_read, brevo_answer, none_if_invalid),
    "mandrill": Dialect(lambda request: request.data["key"] == KEY, mandrill_read, mandrill_answer, but_refused),
}
