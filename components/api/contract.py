"""What every platform of the API offers, so that switching it is one word in the stack file."""

from __future__ import annotations

from typing import Protocol

import pulumi

from components.observe import Observable


class Api(Observable, Protocol):
    """The API, whatever it runs on."""

    @property
    def url(self) -> pulumi.Output[str]:
        """Where it answers: `https://api.studio.example`."""
        ...

    @property
    def role_name(self) -> pulumi.Output[str]:
        """The role that the API's own code acts under."""
        ...

    @property
    def role_arn(self) -> pulumi.Output[str]: ...

    @property
    def security_group_id(self) -> pulumi.Output[str]:
        """The group of whatever serves requests; the stores admit it."""
        ...

    @property
    def log_group_name(self) -> pulumi.Output[str]: ...

    @property
    def deploy_handle(self) -> pulumi.Output[str]:
        """What a release names to roll out a version; its form is the platform's own."""
        ...
