"""What workers that are ECS tasks have in common, whatever they run on."""

from __future__ import annotations

import pulumi

from components.grants import Statement

STOP_SECONDS = 110
"""What a worker has between SIGTERM and SIGKILL. Spot, of Fargate or of EC2, leaves it 120.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"""


def protect_tasks(cluster_arn: pulumi.Output[str]) -> Statement:
    """Let a task of the cluster keep itself from scaling in and from deployments while at work.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection.html
    """
    return Statement(
        sid="ProtectTaskAtWork",
        actions=["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"],
        resources=[cluster_arn.apply(lambda arn: f"{arn.replace(':cluster/', ':task/')}/*")],
    )
