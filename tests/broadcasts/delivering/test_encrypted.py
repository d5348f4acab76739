"""TLS from the first byte or by STARTTLS, always verified; only the server that was meant hears the password."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from broadcasts.delivering import connecting
from tests.broadcasts.delivering.steps import deliver, make_people, results_of, start
from tests.servers import free_port

pytestmark = pytest.mark.django_db


class Mailbox:
    def __init__(self) -> None:
        self.recipients: list[str] = []
        self.passwords: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.recipients += envelope.rcpt_tos
        return "250 taken"

    def check(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword) -> AuthResult:
        self.passwords.append(data.password)
        return AuthResult(success=data == LoginPassword(b"office", b"se/cret"), handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `localhost`, signed by itself; the key stands before it in the same file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    signed = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    file.write_bytes(key.private_bytes(*form) + signed)
    return file


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if the machine's administrator had put it among the known ones before the start."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    connecting._tls.cache_clear()
    yield
    connecting._tls.cache_clear()


@pytest.fixture(params=["smtp+starttls", "smtps"])
def mailbox(request: pytest.FixtureRequest, certificate: Path, settings: Settings) -> Iterator[Mailbox]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    box, port = Mailbox(), free_port()
    how = {"tls_context": context, "require_starttls": True} if request.param != "smtps" else {"ssl_context": context}
    server = Controller(
        box,
        hostname="127.0.0.1",
        port=port,
        authenticator=box.check,
        auth_required=True,
        auth_require_tls=False,
        **how,
    )
    server.start()
    settings.MAIL_URL, settings.MAIL_IS_SANDBOX = f"{request.param}://office:se%2Fcret@localhost:{port}", False
    yield box
    server.stop()


@pytest.mark.usefixtures("trusted")
def test_emails_leave_encrypted_and_signed_in(mailbox: Mailbox) -> None:
    broadcast = start(make_people("ada@home.example", "bea@home.example"))
    deliver(broadcast)
    assert sorted(mailbox.recipients) == ["ada@home.example", "bea@home.example"]
    assert set(results_of(broadcast).values()) == {"Sent"}


def test_to_a_server_with_an_unknown_certificate_nothing_is_said(mailbox: Mailbox) -> None:
    connecting._tls.cache_clear()
    broadcast = start(make_people("ada@home.example"))
    deliver(broadcast)
    assert (mailbox.recipients, mailbox.passwords) == ([], [])
    assert results_of(broadcast) == {"ada@home.example": "Unsent"}
    assert "certificate" in broadcast.trouble.lower()


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_marks_nobody(mailbox: Mailbox, settings: Settings) -> None:
    settings.MAIL_URL = settings.MAIL_URL.replace("se%2Fcret", "wrong")
    broadcast = start(make_people("ada@home.example"))
    deliver(broadcast)
    assert mailbox.passwords
    assert (mailbox.recipients, results_of(broadcast)) == ([], {"ada@home.example": "Unsent"})
    assert "535" in broadcast.trouble
