"""The picture in the email, answered before anything of Django's runs: all that is read is the token's signature."""

from collections.abc import Callable, Iterable
from typing import Any

from broadcasts.tokens import read_token
from tracking.buffering import Buffer
from tracking.opening import read_fetch

GIF = bytes.fromhex(  # one transparent dot
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
HEADERS = {"Content-Type": "image/gif", "Content-Length": str(len(GIF)), "Cache-Control": "no-store, private"}
# As in `tracking.urls`.
START, END = "/o/", ".gif"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def with_picture(application: Application, buffer: Buffer) -> Application:
    """`application` behind the picture, which is the same whatever is asked: nobody learns anything from it."""
    headers = list(HEADERS.items())

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if not (path.startswith(START) and path.endswith(END)):
            return application(environ, start_response)
        delivery_id = read_token(path[len(START) : -len(END)], "pixel")
        if delivery_id is not None and (fetch := read_fetch(delivery_id, environ)):
            buffer.add(fetch)
        start_response("200 OK", headers.copy())
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else GIF]

    return answer
