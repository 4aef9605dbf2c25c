"""What an account needs once: run by a person who may do anything, before the platform is."""

import pulumi
from account import settings
from account.boundaries import Boundaries, BoundariesArgs
from account.identity import Identity, IdentityArgs
from account.operators import Operators, OperatorsArgs
from account.place import aws_provider
from account.roles import EnvironmentRoles, EnvironmentRolesArgs
from account.state import State, StateArgs

given = settings.load()
place = given.place
provider = aws_provider(place, given.account.tags)
here = pulumi.ResourceOptions(provider=provider)
kept = pulumi.ResourceOptions(provider=provider, protect=True)

state = State("state", StateArgs(settings=given.state, place=place), kept)
identity = Identity(
    "identity",
    IdentityArgs(github=given.github, pulumi_cloud=given.pulumi_cloud, place=place),
    kept,
)
boundaries = Boundaries(
    "boundaries",
    BoundariesArgs(place=place, environments=tuple(given.environments), state=state),
    kept,
)
environments = {
    name: EnvironmentRoles(
        name,
        EnvironmentRolesArgs(
            settings=environment,
            place=place,
            environment=name,
            state=state,
            identity=identity,
            boundaries=boundaries,
        ),
        here,
    )
    for name, environment in given.environments.items()
}
operators = given.operators and Operators(
    "operators",
    OperatorsArgs(
        settings=given.operators,
        place=place,
        environments=tuple(given.environments),
        boundaries=boundaries,
    ),
    here,
)

pulumi.export("roles", {name: roles.arns for name, roles in environments.items()})
pulumi.export("operators", operators and operators.arn)
pulumi.export("state_url", state.url)
pulumi.export(
    "secrets_providers", {name: state.secrets_provider(name) for name in given.environments}
)
pulumi.export("permissions_boundary", boundaries.workloads_arn)
