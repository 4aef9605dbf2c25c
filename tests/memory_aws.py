"""An AWS of its own for a test, in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws


@pytest.fixture(name="memory_aws")
def _memory_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only where a test asks for it: moto takes a second to load, which most need not pay."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    # 1,300 images of Amazon's with their disks, made anew for each test that has an instance.
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    with mock_aws():
        yield
