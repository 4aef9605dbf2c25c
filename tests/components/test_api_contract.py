"""What every platform of the API offers, whichever the stack file names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from components.api.contract import Api
from tests.components import test_fargate

PLATFORMS: list[Callable[[], Api]] = [lambda: test_fargate.api()[0]]
"""The type checker compares each with the contract; the tests, what only shows when it is made."""


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_api_can_be_wired_released_and_watched(platform: Callable[[], Api]):
    api = platform()

    assert None not in (
        api.url,
        api.role_name,
        api.role_arn,
        api.security_group_id,
        api.log_group_name,
        api.deploy_handle,
    )


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_speaks_of_errors_health_speed_and_load(platform: Callable[[], Api]):
    api = platform()

    assert {"errors", "unhealthy-targets", "slow", "cpu-high"} <= {  # M93 M94 M96
        alarm.name for alarm in api.alarms
    }
    assert {panel.group for panel in api.panels} == {"API"}
