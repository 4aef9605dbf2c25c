"""One stack of the platform under Pulumi Deployments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_pulumiservice as pulumiservice
from delivery import SourceSettings, StackSettings

INSTALL = (
    "python3 -m venv .venv",
    ".venv/bin/python -m pip install --quiet --require-hashes -r requirements.txt",
)
"""In place of the executor's own step, which would take whatever an index offers."""

NOT_PROGRAM = ("!docs/**", "!tests/**", "!examples/**", "!bootstrap/**", "!deployments/**", "!*.md")
"""Paths of the repository whose change changes no stack."""


@dataclass(frozen=True, kw_only=True)
class PushToDeployArgs:
    settings: StackSettings
    source: SourceSettings
    stack: str
    """The platform's, as Pulumi Cloud knows it: `dev`."""
    others: Sequence[str]
    """The other stacks of the repository, whose files are not this one's."""


class PushToDeploy(pulumi.ComponentResource):
    """What happens to a stack on a push to its branch, by the clock, and at its end.

    Another stack's file alone starts nothing: `Pulumi.dev.yaml` is dev's. Credentials are those of
    one role, by OIDC; Pulumi Deployments knows no second one for previews, so whoever may open a
    pull request that is previewed can do what the role can.

    Cost: Pulumi Cloud's, by the minute of deployment; nothing on AWS.
    """

    def __init__(
        self, name: str, args: PushToDeployArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:deployments:PushToDeploy", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        settings = _deployment_settings(name, args, child)
        # Pulumi Cloud takes schedules only for a stack that has its settings.
        after = pulumi.ResourceOptions(parent=self, depends_on=[settings])
        if args.settings.drift:
            pulumiservice.DriftSchedule(
                f"{name}-drift",
                organization=args.source.organization,
                project=args.source.project,
                stack=args.stack,
                schedule_cron=args.settings.drift.schedule,
                auto_remediate=args.settings.drift.remediate,
                opts=after,
            )
        if args.settings.expires:
            pulumiservice.TtlSchedule(
                f"{name}-expiry",
                organization=args.source.organization,
                project=args.source.project,
                stack=args.stack,
                timestamp=args.settings.expires,
                delete_after_destroy=True,
                opts=after,
            )
        self.register_outputs({"branch": args.settings.branch})


def _deployment_settings(
    name: str, args: PushToDeployArgs, opts: pulumi.ResourceOptions
) -> pulumiservice.DeploymentSettings:
    wanted = args.settings
    return pulumiservice.DeploymentSettings(
        f"{name}-settings",
        organization=args.source.organization,
        project=args.source.project,
        stack=args.stack,
        source_context={"git": {"branch": wanted.branch, "repo_dir": "."}},
        vcs={
            "provider": "github",
            "repository": args.source.repository,
            "deploy_commits": wanted.on_push,
            "preview_pull_requests": wanted.preview_pull_requests,
            "pull_request_template": False,
            "paths": ["**", *NOT_PROGRAM, *(f"!Pulumi.{other}.yaml" for other in args.others)],
        },
        operation_context={
            "pre_run_commands": list(INSTALL),
            "oidc": {
                "aws": {
                    "role_arn": wanted.role,
                    "session_name": f"pulumi-{args.stack}",
                    "duration": f"{wanted.session_hours}h",
                }
            },
            "options": {
                "skip_install_dependencies": True,
                # Of several pushes that wait, the last holds the others.
                "skip_intermediate_deployments": True,
                "delete_after_destroy": False,
            },
        },
        opts=opts,
    )
