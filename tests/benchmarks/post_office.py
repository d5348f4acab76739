"""The same emails handed over by django-post_office, two processes: `python -m tests.benchmarks.post_office`.

It is no dependency: `pip install --target FOLDER django-post-office nh3`, and PYTHONPATH=FOLDER before the command.
Filling its queue is not counted.
"""

import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

EMAILS, PROCESSES = 4_000, 2


def main() -> None:
    if find_spec("post_office") is None:
        sys.exit("django-post_office is not there; the head of this file says how to install it.")
    with tempfile.TemporaryDirectory(prefix="messenger-bench-") as home:
        os.environ |= {"MESSENGER_HOME": home, "DJANGO_SETTINGS_MODULE": "messenger.settings"}
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "post_office"]
        settings.POST_OFFICE = {
            "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
            "BATCH_SIZE": EMAILS,
            "BATCH_DELIVERY_TIMEOUT": 600,
        }
        django.setup()
        call_command("migrate", verbosity=0)
        measure()


def measure() -> None:
    from post_office import mail  # type: ignore[import-not-found]

    from broadcasts.composing.compiling import Recipient, compile_broadcast
    from tests.benchmarks import school, sending
    from tests.benchmarks.figures import timed

    compiled = compile_broadcast(school.make(100))
    mail.send_many([
        {
            "recipients": [f"family{number}@homes.example"],
            "sender": "office@lincoln.example",
            "subject": compiled.subject_for(to := Recipient(number, f"Family {number}", "family@homes.example")),
            "message": compiled.text_for(to),
            "html_message": compiled.html_for(to),
        }
        for number in range(1, EMAILS + 1)
    ])  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="messenger-sink-") as folder, sending.running_sink(Path(folder)) as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        with timed(f"django-post_office, {PROCESSES} processes", EMAILS) as theirs:
            sent, failed, requeued = mail.send_queued(processes=PROCESSES)
    assert (sent, failed, requeued) == (EMAILS, 0, 0), (sent, failed, requeued)
    print(theirs)


if __name__ == "__main__":
    main()
