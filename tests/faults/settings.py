"""The product's settings, less patient: what production waits minutes for happens within seconds here."""

from messenger import environment as env
from messenger.settings import *  # noqa: F403

LEASE_SECONDS = env.read_number("LEASE_SECONDS", 120)
IN_DOUBT_GRACE_SECONDS = env.read_number("IN_DOUBT_GRACE_SECONDS", 660)
UNDO_SECONDS = 0
