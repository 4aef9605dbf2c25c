"""Every test here has an AWS of its own."""

from __future__ import annotations

import pytest

from tests.memory_aws import _memory_aws

__all__ = ["_memory_aws"]


@pytest.fixture(autouse=True)
def _aws(memory_aws: None) -> None: ...
