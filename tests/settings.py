"""The product's settings in a folder of its own, whatever the shell around the tests has set."""

import atexit
import os
import shutil
import sys
import tempfile
from urllib.parse import urlsplit

_UNWANTED = (
    "PORT",
    "MAIL_URL",
    "ATTACHMENTS_MAX_BYTES",
    "MAIL_PROVIDER",
    "MAIL_PROVIDER_API_URL",
    "MAIL_PROVIDER_BATCH",
    "PROVIDER_TRACKS_OPENS",
    "SITE_URL",
    "SECRET_KEY",
    "DEBUG",
    "RETRY_MINUTES",
    "MAX_LATENESS",
    "STOP_AFTER_FAILURES",
    "BOUNCE_DOMAIN",
    "REPORTS_LISTEN",
    "REPORTS_PROTOCOL",
    "BOUNCE_IMAP_URL",
    "ALLOW_INTERNATIONAL_ADDRESSES",
    "COUNT_MACHINE_OPENS",
    "FEWEST_EMAILS_FOR_A_RATE",
    "LOG_FORMAT",
    "METRICS_TOKEN",
)

# A command that a test starts inherits this module's name: its folder is the one that the test gives it.
if "pytest" in sys.modules:
    for _name in [*_UNWANTED, *(name for name in os.environ if name.startswith(("ANYMAIL_", "AMAZON_SNS_")))]:
        os.environ.pop(_name, None)
    os.environ["MESSENGER_HOME"] = tempfile.mkdtemp(prefix="messenger-test-")
    atexit.register(shutil.rmtree, os.environ["MESSENGER_HOME"], ignore_errors=True)
    # Each of pytest-xdist's workers (gw0, gw1 ...) has a Redis database of its own.
    if os.environ.get("REDIS_URL"):
        _worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        os.environ["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{_worker + 1}").geturl()

from messenger.settings import *  # noqa: E402, F403

# Argon2 is slow on purpose; the tests sign in often.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
