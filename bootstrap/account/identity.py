"""Whom the account believes: GitHub's workflows and Pulumi Cloud's deployments, by their tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from .place import Place
from .settings import GithubSettings, PulumiCloudSettings

GITHUB = "token.actions.githubusercontent.com"
"""https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws"""
GITHUB_AUDIENCE = "sts.amazonaws.com"
PULUMI_CLOUD = "api.pulumi.com/oidc"
"""https://www.pulumi.com/docs/deployments/guides/oidc/aws/"""

PREVIEWING = ("preview",)
DEPLOYING = ("update", "refresh", "destroy", "detect-drift", "remediate-drift")
"""What Pulumi Cloud calls the operations of a deployment.
https://www.pulumi.com/docs/deployments/guides/oidc/ names the first three and `preview`; the others
are its API's words for the operations of a drift schedule."""


@dataclass(frozen=True, kw_only=True)
class IdentityArgs:
    github: GithubSettings | None
    pulumi_cloud: PulumiCloudSettings | None
    place: Place


class Identity(pulumi.ComponentResource):
    """The OIDC providers, and the trust that a role puts in them (M86, B21): no stored keys.

    A workflow is believed by the GitHub environment it runs in, and by nothing else. Environments
    have branch rules and reviewers; `pull_request` has none, and whoever may open one could then
    open the secrets in a state.

    Cost: nothing.
    """

    def __init__(
        self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:bootstrap:Identity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._args = args
        self._arns: dict[str, pulumi.Input[str]] = {}
        if args.github:
            self._arns[GITHUB] = _provider(
                f"{name}-github",
                GITHUB,
                GITHUB_AUDIENCE,
                args.place,
                args.github.create_provider,
                child,
            )
        if args.pulumi_cloud:
            self._arns[PULUMI_CLOUD] = _provider(
                f"{name}-pulumi-cloud",
                PULUMI_CLOUD,
                args.pulumi_cloud.organization,
                args.place,
                args.pulumi_cloud.create_provider,
                child,
            )
        self.register_outputs({"providers": dict(self._arns)})

    def preview(self, environment: str) -> Sequence[Mapping[str, Any]]:
        """Trust for a preview: in an environment of its own, which needs no approval."""
        return self._platform(f"{environment}-preview") + self._cloud(environment, PREVIEWING)

    def deploy(self, environment: str, *, cloud_previews: bool) -> Sequence[Mapping[str, Any]]:
        """Trust for a change; with `cloud_previews` for Pulumi Cloud's previews as well."""
        operations = (*DEPLOYING, *(PREVIEWING if cloud_previews else ()))
        return self._platform(environment) + self._cloud(environment, operations)

    def release(self, environment: str) -> Sequence[Mapping[str, Any]]:
        """Trust for the applications' workflows; none without such repositories."""
        github = self._args.github
        if github is None or not github.applications:
            return []
        return self._github(github.applications, f"{environment}-release")

    def _platform(self, environment: str) -> list[Mapping[str, Any]]:
        github = self._args.github
        return self._github([github.repository], environment) if github else []

    def _github(self, repositories: Sequence[str], environment: str) -> list[Mapping[str, Any]]:
        subjects = [f"repo:{repository}:environment:{environment}" for repository in repositories]
        return [self._trust(GITHUB, GITHUB_AUDIENCE, subjects)]

    def _cloud(self, stack: str, operations: Sequence[str]) -> list[Mapping[str, Any]]:
        cloud = self._args.pulumi_cloud
        if cloud is None:
            return []
        project = self._args.place.project
        lead = f"pulumi:deploy:org:{cloud.organization}:project:{project}:stack:{stack}"
        subjects = [f"{lead}:operation:{operation}:scope:write" for operation in operations]
        return [self._trust(PULUMI_CLOUD, cloud.organization, subjects)]

    def _trust(self, issuer: str, audience: str, subjects: Sequence[str]) -> Mapping[str, Any]:
        return {
            "Effect": "Allow",
            "Principal": {"Federated": self._arns[issuer]},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{issuer}:aud": audience, f"{issuer}:sub": list(subjects)}
            },
        }


def _provider(
    name: str,
    issuer: str,
    audience: str,
    place: Place,
    create: bool,
    opts: pulumi.ResourceOptions,
) -> pulumi.Input[str]:
    if not create:
        return place.global_arn("iam", f"oidc-provider/{issuer}")
    # No thumbprint: AWS trusts both by their certificate authorities.
    return aws.iam.OpenIdConnectProvider(
        name, url=f"https://{issuer}", client_id_lists=[audience], opts=opts
    ).arn
