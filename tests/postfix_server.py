"""A private Postfix for one test: the machine's program with a configuration, queue and log of its own.

It listens on 127.0.0.1 only and ends with the test. Root starts it, because Postfix gives each part its own user.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import free_port, wait_until_listening

PROGRAMS = Path("/usr/lib/postfix/sbin")
STOP_SECONDS = 10
FAMILIES, ELSEWHERE, HOLIDAY = "families.test", "elsewhere.test", "holiday.test"

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {programs}
maillog_file_prefixes = {folder}
maillog_file = {folder}/log/mail
myhostname = relay.school.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_mynetworks, reject
# Mailboxes here: two exist, of all others it says 550.
virtual_mailbox_domains = {families}
virtual_mailbox_base = {folder}/mailboxes
virtual_mailbox_maps = inline:{{ {{ ann@{families} = ann }} {{ jürgen@{families} = jurgen }} }}
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{group}
# Passed on: to a mail server of the test's, to a program that answers, and reports to Messenger.
relay_domains = {elsewhere}, {holiday}, {bounces}
transport_maps = inline:{{
    {{ {elsewhere} = smtp:[127.0.0.1]:{elsewhere_port} }}
    {{ {holiday} = vacation: }}
    {{ {bounces} = lmtp:inet:127.0.0.1:{lmtp_port} }} }}
vacation_destination_recipient_limit = 1
# In seconds what takes hours elsewhere.
delay_warning_time = 1s
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n  -  n  60  1  pickup
cleanup   unix  n  -  n  -   0  cleanup
qmgr      unix  n  -  n  1   1  qmgr
rewrite   unix  -  -  n  -   -  trivial-rewrite
bounce    unix  -  -  n  -   0  bounce
defer     unix  -  -  n  -   0  bounce
trace     unix  -  -  n  -   0  bounce
verify    unix  -  -  n  -   1  verify
flush     unix  n  -  n  -   0  flush
proxymap  unix  -  -  n  -   -  proxymap
smtp      unix  -  -  n  -   -  smtp
relay     unix  -  -  n  -   -  smtp
lmtp      unix  -  -  n  -   -  lmtp
virtual   unix  -  n  n  -   -  virtual
error     unix  -  -  n  -   -  error
retry     unix  -  -  n  -   -  error
anvil     unix  -  -  n  -   1  anvil
scache    unix  -  -  n  -   1  scache
tlsmgr    unix  -  -  n  -   1  tlsmgr
postlog   unix-dgram n - n -  1  postlogd
vacation  unix  -  n  n  -   -  pipe
  flags=Rq user=nobody argv={python} {folder}/vacation.py {port} ${{sender}} ${{recipient}}
"""
# As such programs do (RFC 3834), though ours asks them not to: some do not listen.
VACATION = """
import smtplib, sys
from email import message_from_binary_file
from email.message import EmailMessage

port, sender, recipient = sys.argv[1:]
received = message_from_binary_file(sys.stdin.buffer)
answer = EmailMessage()
answer["From"], answer["To"] = recipient, sender
answer["Subject"] = "Auto: " + str(received["Subject"])
answer["In-Reply-To"] = answer["References"] = received["Message-ID"]
answer["Auto-Submitted"] = "auto-replied"
answer.set_content("I am away until August.")
with smtplib.SMTP("127.0.0.1", int(port), timeout=10) as server:
    server.send_message(answer, from_addr="", to_addrs=[sender])
"""


def why_not() -> str:
    """Why Postfix cannot run here; empty when it can."""
    if not (PROGRAMS / "master").exists():
        return "Postfix is not installed (apt install postfix)"
    return "" if os.geteuid() == 0 else "Postfix starts its parts as different users, which only root can"


@dataclass(frozen=True)
class Postfix:
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def log(self) -> str:
        return (self.folder / "log" / "mail").read_text(errors="replace")

    def mailbox(self, name: str) -> str:
        file = self.folder / "mailboxes" / name
        return file.read_text() if file.exists() else ""


@contextmanager
def running_postfix(*, bounces: str, lmtp_port: int, elsewhere_port: int) -> Iterator[Postfix]:
    """`elsewhere_port`: of the mail server for ELSEWHERE; reports for the domain `bounces` go to `lmtp_port`."""
    # Short, for the names of its sockets; open to its users, which pytest's own folders are not.
    with tempfile.TemporaryDirectory(prefix="postfix-", dir="/tmp") as name:
        postfix = Postfix(Path(name), free_port())
        _write_configuration(postfix, bounces, lmtp_port, elsewhere_port)
        config = ["-c", str(postfix.folder / "config")]
        # Makes the queue's folders, each with the owner that it wants.
        subprocess.run(["/usr/sbin/postfix", *config, "check"], check=True, capture_output=True)
        # A session of its own: when it is told to end, it tells all its parts.
        with (postfix.folder / "log" / "start").open("wb") as output:
            master = subprocess.Popen(
                [PROGRAMS / "master", *config, "-s"], stdout=output, stderr=output, start_new_session=True
            )
        try:
            wait_until_listening(master, postfix.port, postfix.folder / "log" / "start")
            yield postfix
        finally:
            _stop(master)


def _stop(master: "subprocess.Popen[bytes]") -> None:
    master.terminate()
    try:
        master.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(master.pid, signal.SIGKILL)
        master.wait()


def _write_configuration(postfix: Postfix, bounces: str, lmtp_port: int, elsewhere_port: int) -> None:
    folder, nobody, owner = postfix.folder, pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
    folder.chmod(0o755)
    for part in ("config", "queue", "log"):
        (folder / part).mkdir()
    for part, user in (("data", owner), ("mailboxes", nobody)):
        (folder / part).mkdir()
        os.chown(folder / part, user.pw_uid, user.pw_gid)
    values: dict[str, object] = {
        "folder": folder,
        "programs": PROGRAMS,
        "families": FAMILIES,
        "elsewhere": ELSEWHERE,
        "holiday": HOLIDAY,
        "bounces": bounces,
        "user": nobody.pw_uid,
        "group": nobody.pw_gid,
        "port": postfix.port,
        "lmtp_port": lmtp_port,
        "elsewhere_port": elsewhere_port,
        "python": shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable,
    }
    (folder / "config" / "main.cf").write_text(MAIN.format(**values))
    (folder / "config" / "master.cf").write_text(MASTER.format(**values))
    (folder / "vacation.py").write_text(VACATION)
