from pathlib import Path

import pytest
from pytest_django import Settings

from tests import factory


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture(autouse=True)
def types(db: None) -> None:
    factory.make_type("General")
    factory.make_type("Emergency")
    factory.make_type("Newsletter", is_default=False)
