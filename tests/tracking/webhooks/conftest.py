from pathlib import Path

import pytest
from pytest_django import Settings

from tests.tracking.webhooks.posting import KEYS, TOPIC, sns_certificate
from tracking.webhooks import refusing


@pytest.fixture(autouse=True)
def providers(settings: Settings, tmp_path: Path) -> None:
    """Every provider is set up, each with its own key."""
    anymail: dict[str, object] = {}
    for needed in KEYS.values():
        anymail |= needed()
    # The secret would be asked of those too that sign.
    settings.ANYMAIL = anymail
    certificate = tmp_path / "sns.pem"
    certificate.write_bytes(sns_certificate())
    settings.SNS_CERTIFICATE = str(certificate)
    settings.SNS_TOPICS = (TOPIC,)


@pytest.fixture(autouse=True)
def no_refusals() -> None:
    """What this process has counted is not the next test's."""
    refusing._counted.clear()
    refusing._written_at.clear()
