"""Every test of the portal calls out through a messenger that only keeps its letters."""

import pytest
from pytest_django import Settings
from tests.portal.messengers import FAKE, KeepingMessenger


@pytest.fixture(autouse=True)
def _messenger(settings: Settings) -> None:
    settings.ENGINES = {**settings.ENGINES, "messenger": FAKE}
    KeepingMessenger.sent.clear()
    KeepingMessenger.replies.clear()
