"""The platforms of the API, by the word that the stack file chooses one with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pulumi

from components.api.beanstalk import BeanstalkApi
from components.api.contract import Api, ApiArgs
from components.api.ec2 import Ec2Api
from components.api.fargate import FargateApi
from settings.api import ApiKind

PLATFORMS: Mapping[ApiKind, Callable[[str, ApiArgs, pulumi.ResourceOptions], Api]] = {
    "fargate": FargateApi,
    "ec2": Ec2Api,
    "beanstalk": BeanstalkApi,
}


def api_platform(name: str, args: ApiArgs, opts: pulumi.ResourceOptions) -> Api:
    """The API on the platform that its settings name."""
    return PLATFORMS[args.settings.kind](name, args, opts)
