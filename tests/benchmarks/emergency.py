"""An emergency while something big is being sent, with the real processes: `python -m tests.benchmarks.emergency`.

On the servers that DATABASE_URL and REDIS_URL name, with the workers of the Procfile; without them in one process
(`manage.py serve`), where the sweep finds the emergency up to a second after it was pressed. Two numbers may follow:
how many emails the big one has (200,000), and how many the emergency (5,000).
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.core.management import call_command

if TYPE_CHECKING:
    from broadcasts.models import Broadcast

GENERAL, ALARM = 200_000, 5_000
PROCESSES = (
    ["rundramatiq", "--processes", "2", "--threads", "2", "--queues", "emergency"],
    ["rundramatiq", "--processes", "2", "--threads", "2", "--queues", "broadcast"],
    ["sweep"],
)
LONGEST_SECONDS = 1800


def main() -> None:
    general, alarm = (int(word) for word in sys.argv[1:3]) if sys.argv[2:] else (GENERAL, ALARM)
    with tempfile.TemporaryDirectory(prefix="messenger-emergency-") as home, ExitStack() as stack:
        os.environ |= {"MESSENGER_HOME": home, "DJANGO_SETTINGS_MODULE": "messenger.settings", "SECRET_KEY": "x" * 50}
        django.setup()
        from tests.benchmarks.sending import running_sink

        call_command("migrate", verbosity=0)
        port = stack.enter_context(running_sink(Path(home)))
        measure(general, alarm, port)


def measure(general: int, alarm: int, port: int) -> None:
    from tests.benchmarks import school

    big = school.make(general)
    rehearsal, *alarms = (make_alarm(big, emails) for emails in (20, alarm, alarm))
    school.settle()
    with running_workers(port):
        press(rehearsal)  # the workers are up then
        alone = press(alarms[0])
        start(big)
        wait_for(lambda: handed_over(big) >= general // 40, "the big one")
        before, overtaken = handed_over(big), press(alarms[1])
        meanwhile = handed_over(big) - before
        assert handed_over(big) < handed_total(big), "the big one was over too soon: give it more emails"
    print(f"{'':34}{'first email':>12}{'all of them':>13}")
    for words, (first, everything) in (("alone", alone), (f"while {general:,} are being sent", overtaken)):
        print(f"{words:34}{first:>10.2f} s{everything:>11.2f} s")
    print(f"{overtaken[1] / alone[1]:.2f} x the time alone; {meanwhile:,} of the others left meanwhile")


def make_alarm(big: "Broadcast", emails: int) -> "Broadcast":
    from broadcasts.models import ContactType, EmailAddress, ListMember
    from tests import factory

    kind = factory.make_type("Emergency")
    people = list(big.lists.get().members.order_by("pk").values_list("person_id", flat=True)[: emails * 20 // 17])
    addresses = EmailAddress.objects.filter(person__in=people)
    ContactType.objects.bulk_create(
        (ContactType(address=address, broadcast_type=kind) for address in addresses),
        ignore_conflicts=True,
        batch_size=2_000,
    )
    alarm = factory.make_broadcast(big.school, type_name="Emergency", subject="Lockdown")
    members = (ListMember(list=alarm.lists.get(), person_id=person) for person in people)
    ListMember.objects.bulk_create(members, batch_size=2_000)
    return alarm


@contextmanager
def running_workers(port: int) -> Iterator[None]:
    from tests.with_servers import free_port

    own = {
        "MAIL_URL": f"smtp://127.0.0.1:{port}",
        "BOUNCE_DOMAIN": "bounces.school.test",
        "REPORTS_LISTEN": "127.0.0.1:0",
        "PORT": str(free_port()),
    }
    commands = PROCESSES if os.environ.get("REDIS_URL") else (["serve"],)
    processes = [
        subprocess.Popen(
            [sys.executable, "manage.py", *words],
            env=os.environ | own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for words in commands
    ]
    try:
        yield
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)  # the database goes away with the big one unfinished
            process.wait()


def start(broadcast: "Broadcast") -> None:
    from django.conf import settings

    from broadcasts.actors import wake
    from broadcasts.delivering.controlling import send_now

    assert send_now(broadcast, None, undo_seconds=0)
    if settings.REDIS_URL:
        wake(broadcast.pk)


def press(alarm: "Broadcast") -> tuple[float, float]:
    """Seconds from Send Now to the first and to the last email on its way."""
    from django.db.models import Max, Min

    start(alarm)
    assert alarm.send_at
    wait_for(lambda: 0 < handed_total(alarm) == handed_over(alarm), "the emergency")
    times = alarm.deliveries.aggregate(first=Min("last_attempt_at"), last=Max("last_attempt_at"))
    return (times["first"] - alarm.send_at).total_seconds(), (times["last"] - alarm.send_at).total_seconds()


def handed_over(broadcast: "Broadcast") -> int:
    return broadcast.deliveries.filter(attempts__gt=0).count()


def handed_total(broadcast: "Broadcast") -> int:
    return broadcast.deliveries.filter(is_sendable=True).count()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < end, f"{what} was not over in {LONGEST_SECONDS} s"
        time.sleep(0.25)


if __name__ == "__main__":
    main()
