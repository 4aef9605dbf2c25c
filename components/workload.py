"""What everything that runs our code offers, API, services and fleets alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi

from components.grants import Statement
from components.ground import Place
from components.observe import Observable


@dataclass(frozen=True, kw_only=True)
class Restart:
    """How running code is started anew, so that it reads its secrets again."""

    target: Mapping[str, pulumi.Input[str]]
    """What functions/restart_services needs to know, `platform` first."""
    statements: Sequence[Statement]
    """What it needs to be allowed."""

    @classmethod
    def of_service(
        cls, place: Place, cluster_name: pulumi.Output[str], service_name: pulumi.Output[str]
    ) -> Restart:
        """A service on ECS: deployed once more as it is."""
        arn = place.arn("ecs", pulumi.Output.concat("service/", cluster_name, "/", service_name))
        return cls(
            target={"platform": "ecs", "cluster": cluster_name, "service": service_name},
            statements=[
                Statement(
                    sid="RestartServices",
                    actions=["ecs:DescribeServices", "ecs:UpdateService"],
                    resources=[arn],
                )
            ],
        )


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

    @property
    def restart(self) -> Restart: ...
