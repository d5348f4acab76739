"""Where the helpers of this installation listen: a file each in MESSENGER_HOME, for any process to find."""

from pathlib import Path

from django.conf import settings

Address = tuple[str, int]


def _file(name: str) -> Path:
    return Path(settings.MESSENGER_HOME) / "run" / f"{name}.address"


def publish_service(name: str, host: str, port: int) -> None:
    file = _file(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".new")
    temporary.write_text(f"{host}:{port}\n")
    temporary.replace(file)


def find_service(name: str) -> Address | None:
    """Host and port; None when it was never started. A stale answer means a refused connection, no more."""
    try:
        host, _, port = _file(name).read_text().strip().rpartition(":")
        return host, int(port)
    except (FileNotFoundError, ValueError):
        return None
