"""Every test of the portal begins with a messenger that has sent nothing."""

import pytest
from tests.portal.messengers import KeepingMessenger


@pytest.fixture(autouse=True)
def _messenger() -> None:
    KeepingMessenger.sent.clear()
    KeepingMessenger.replies.clear()
