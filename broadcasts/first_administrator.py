"""The account with which a new installation is entered: its password is generated, never a fixed one."""

import secrets
from pathlib import Path

from django.conf import settings
from django.db import transaction

from broadcasts import audit
from broadcasts.models import Membership, User

NAME = "admin"


def ensure_first_administrator() -> str | None:
    """The first administrator's password: new when there is nobody yet, else the generated one while it holds.

    None: it was changed, or somebody else set this portal up. It is kept in a file that only the owner can read,
    so that whoever starts the portal can see it again.
    """
    if not User.objects.exists():
        return _make_administrator()
    user = User.objects.filter(username=NAME).first()
    try:
        password = _file().read_text().strip()
    except FileNotFoundError:
        return None
    return password if user is not None and user.check_password(password) else None


@transaction.atomic
def _make_administrator() -> str:
    password = secrets.token_urlsafe(12)
    # In a rehearsal the administrator has a mailbox too: "send a test to me" shows up in the sandbox.
    email = "admin@sample.example" if settings.MAIL_IS_SANDBOX else ""
    user = User.objects.create_user(NAME, email, password)
    Membership.objects.create(user=user, role=Membership.Role.ADMINISTRATOR)
    audit.record(None, "user.added", user, role="administrator")
    file = _file()
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(password + "\n")
    return password


def _file() -> Path:
    return Path(settings.MESSENGER_HOME) / "first-administrator"
