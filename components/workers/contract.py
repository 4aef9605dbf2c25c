"""What every kind of fleet offers, so that switching the kind is one word in the stack file."""

from __future__ import annotations

from typing import Protocol

import pulumi

from components.observe import Observable


class Fleet(Observable, Protocol):
    """Workers on one queue, whatever they run on."""

    @property
    def role_name(self) -> pulumi.Output[str]:
        """The role that the worker's own code acts under."""
        ...

    @property
    def role_arn(self) -> pulumi.Output[str]: ...

    @property
    def security_group_id(self) -> pulumi.Output[str]:
        """The group of the workers; the stores admit it."""
        ...

    @property
    def log_group_name(self) -> pulumi.Output[str]: ...

    @property
    def deploy_handle(self) -> pulumi.Output[str]:
        """What a release names to roll out a version; its form is the platform's own."""
        ...
