"""Target tracking: the number of a service's tasks follows a metric."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi_aws.appautoscaling import (
    PolicyTargetTrackingScalingPolicyConfigurationArgs as Tracking,
)
from pulumi_aws.appautoscaling import (
    PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationArgs as Customized,
)
from pulumi_aws.appautoscaling import (
    PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs as Predefined,
)

from components.observe import Expression


def service_target(
    name: str,
    *,
    cluster_name: pulumi.Input[str],
    service_name: pulumi.Input[str],
    minimum: int,
    maximum: int,
    opts: pulumi.ResourceOptions,
) -> aws.appautoscaling.Target:
    """An ECS service whose number of tasks scaling may set, within bounds."""
    return aws.appautoscaling.Target(
        name,
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=pulumi.Output.format("service/{0}/{1}", cluster_name, service_name),
        min_capacity=minimum,
        max_capacity=maximum,
        opts=opts,
    )


def track(
    name: str,
    target: aws.appautoscaling.Target,
    metric: str | Expression,
    value: float,
    *,
    out_seconds: int,
    in_seconds: int,
    opts: pulumi.ResourceOptions,
    resource_label: pulumi.Input[str] | None = None,
) -> aws.appautoscaling.Policy:
    """Keep `metric` at `value`: a predefined metric by AWS's name for it, or metric math.

    `out_seconds` and `in_seconds` are the rests after a step up and a step down. `resource_label`
    says which target group ALBRequestCountPerTarget is of.
    """
    return aws.appautoscaling.Policy(
        name,
        policy_type="TargetTrackingScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        target_tracking_scaling_policy_configuration=Tracking(
            target_value=value,
            scale_out_cooldown=out_seconds,
            scale_in_cooldown=in_seconds,
            customized_metric_specification=(
                Customized(metrics=tracked_metrics(metric))
                if isinstance(metric, Expression)
                else None
            ),
            predefined_metric_specification=(
                Predefined(predefined_metric_type=metric, resource_label=resource_label)
                if isinstance(metric, str)
                else None
            ),
        ),
        opts=opts,
    )


def tracked_metrics(expression: Expression, *, periods: bool = False) -> list[Any]:
    """The expression as a policy takes it: its metrics, then itself as what is tracked.

    With `periods` for a group of instances; what Application Auto Scaling scales has none.
    """
    inputs = [
        {
            "id": key,
            "label": metric.label,
            "return_data": False,
            "metric_stat": {
                "stat": metric.statistic,
                **({"period": metric.period} if periods else {}),
                "metric": {
                    "namespace": metric.namespace,
                    "metric_name": metric.name,
                    "dimensions": [
                        {"name": dimension, "value": value}
                        for dimension, value in metric.dimensions.items()
                    ],
                },
            },
        }
        for key, metric in expression.metrics.items()
    ]
    tracked = {
        "id": "tracked",
        "label": expression.label,
        "expression": expression.text,
        "return_data": True,
    }
    return [*inputs, tracked]
