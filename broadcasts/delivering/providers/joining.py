"""Many whole emails in one request, for providers that take a list of them: each is built and read by Anymail.

Nothing of such an email is a template. What Anymail calls a batch has one text for all, which needs a template that
is stored at the provider.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from anymail.exceptions import AnymailRequestsAPIError  # type: ignore[import-untyped]
from anymail.message import AnymailMessage  # type: ignore[import-untyped]

from broadcasts.delivering.providers.backends import Backend
from broadcasts.delivering.providers.said import Said, message_name, text_of
from broadcasts.delivering.providers.table import Provider


@dataclass(frozen=True)
class Way:
    """`join`: the data of emails to that of a request. `split`: the answer to a request to those of its emails."""

    endpoint: str
    join: Callable[[list[Any]], Any]
    split: Callable[[Any], list[Any]]
    has_failed: Callable[[Any], bool]


WAYS: Mapping[str, Way] = {
    "postmark": Way("email/batch", list, list, lambda part: part.get("ErrorCode", 0) not in (0, 300, 406)),
    "mailjet": Way(
        "send",
        lambda datas: {"Messages": [{**data["Globals"], **data["Messages"][0]} for data in datas]},
        lambda answer: [{"Messages": [part]} for part in answer["Messages"]],
        lambda _part: False,
    ),
    "mailtrap": Way(
        "batch",
        lambda datas: {"base": {}, "requests": datas},
        lambda answer: list(answer["responses"]),
        lambda part: not part.get("success"),
    ),
    "resend": Way("emails/batch", list, lambda answer: list(answer["data"]), lambda _part: False),
}


def send_joined(provider: Provider, backend: Backend, messages: Sequence[AnymailMessage]) -> list[Said]:
    """In the order of the messages. Raises what Anymail raises for a request that failed as a whole."""
    way = WAYS[provider.slug]
    payloads = [backend.build_message_payload(message, backend.send_defaults) for message in messages]
    response = backend.post_to_esp(_Joined(way, payloads), messages[0])
    if response.status_code >= 400 and not _is_of_parts(way, response, len(messages)):
        raise AnymailRequestsAPIError(email_message=messages[0], response=response, backend=backend)
    parts = way.split(response.json())
    if len(parts) != len(messages):
        raise ValueError("There are more or fewer answers than emails.")
    return [
        _read(backend, payload, message, _Part(part, 422 if way.has_failed(part) else 200))
        for payload, message, part in zip(payloads, messages, parts, strict=True)
    ]


def _is_of_parts(way: Way, response: Any, count: int) -> bool:
    """Mailjet answers 400 when one of several emails is refused."""
    try:
        return len(way.split(response.json())) == count
    except (ValueError, KeyError, TypeError):
        return False


def _read(backend: Backend, payload: Any, message: AnymailMessage, part: "_Part") -> Said:
    try:
        backend.raise_for_status(part, payload, message)
        statuses = backend.parse_recipient_status(part, payload, message)
    except AnymailRequestsAPIError:
        return Said("refused", None, part.status_code, text_of(part))
    status = next(iter(statuses.values()))
    return Said(status.status or "", message_name(status.message_id), part.status_code, text_of(part))


@dataclass(frozen=True)
class _Joined:
    """Stands where Anymail expects a payload to post."""

    way: Way
    payloads: list[Any]

    def get_request_params(self, api_url: str) -> dict[str, Any]:
        data = json.dumps(self.way.join([payload.data for payload in self.payloads]), default=dict)
        params: dict[str, Any] = self.payloads[0].get_request_params(api_url)
        return {**params, "url": urljoin(api_url, self.way.endpoint), "data": data}


@dataclass(frozen=True)
class _Part:
    """Stands where Anymail expects a response to read."""

    content_of: Any
    status_code: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    def json(self) -> Any:
        return self.content_of

    @property
    def text(self) -> str:
        return json.dumps(self.content_of, ensure_ascii=False)
