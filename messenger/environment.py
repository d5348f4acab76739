"""Reading the environment: every variable has a default with which the product works."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def read(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def read_flag(name: str) -> bool:
    value = read(name, "no").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}.")


def read_number(name: str, default: int) -> int:
    value = read(name, str(default))
    try:
        return int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from error


def read_list(name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in read(name).split(",") if part.strip())


def read_all(prefix: str) -> dict[str, str]:
    """Every variable of this prefix that is set, without it."""
    return {
        name.removeprefix(prefix): value for name in os.environ if name.startswith(prefix) and (value := read(name))
    }


def read_minutes(name: str) -> tuple[float, ...]:
    """A comma separated list of minutes, fractions allowed; empty when unset."""
    value = read(name)
    try:
        minutes = tuple(float(part) for part in value.split(",") if part.strip())
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} must be minutes separated by commas, like 5,15,30; not {value!r}."
        ) from error
    if any(not 0 < minute < 60 * 24 * 30 for minute in minutes):
        raise ImproperlyConfigured(f"{name}: each wait must be more than 0 minutes and less than 30 days.")
    return minutes


def keep_secret(path: Path) -> str:
    """The secret in this file; made on first use, readable by its owner only."""
    try:
        # O_EXCL: of two processes that start together, one writes and the other reads.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    secret = secrets.token_urlsafe(50)
    with os.fdopen(handle, "w") as file:
        file.write(secret)
    return secret
