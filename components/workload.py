"""What everything that runs our code offers, API and fleets alike."""

from __future__ import annotations

from typing import Protocol

import pulumi

from components.observe import Observable


class Workload(Observable, Protocol):
    """Code that runs somewhere, whatever it runs on."""

    @property
    def role_name(self) -> pulumi.Output[str]:
        """The role that the code itself acts under."""
        ...

    @property
    def role_arn(self) -> pulumi.Output[str]: ...

    @property
    def security_group_id(self) -> pulumi.Output[str]:
        """The group it stands in; the stores admit it."""
        ...

    @property
    def log_group_name(self) -> pulumi.Output[str]: ...

    @property
    def deploy_handle(self) -> pulumi.Output[str]:
        """What a release names to roll out a version; its form is the platform's own."""
        ...
