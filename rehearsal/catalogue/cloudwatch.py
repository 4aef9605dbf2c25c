"""Amazon CloudWatch, CloudWatch Logs and EventBridge, which Pulumi keeps in one module."""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.catalogue.ecs import _public_ip
from rehearsal.catalogue.entry import Call, Entry, Inputs

RETENTIONS = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Days. Zero is Terraform's word for keeping logs for ever."""


def _log_group(inputs: Inputs) -> Inputs:
    if not inputs.get("retentionInDays"):
        inputs.pop("retentionInDays", None)
    return inputs


def _datapoints(inputs: Inputs) -> Iterator[tuple[str, str]]:
    wanted, periods = inputs.get("datapointsToAlarm"), inputs.get("evaluationPeriods")
    if wanted and periods and float(wanted) > float(periods):
        yield "datapointsToAlarm", f"{wanted} given, at most evaluationPeriods ({periods}) allowed"


def _periods(inputs: Inputs) -> Iterator[tuple[str, str]]:
    period = inputs.get("period")
    if period is not None and int(period) not in (10, 20, 30) and int(period) % 60:
        yield "period", f"{period} given, 10, 20, 30 or a multiple of 60 allowed"
    span = int(period or 0) * int(inputs.get("evaluationPeriods") or 0)
    # A day below an hour's period, a week from there on.
    longest = 604800 if int(period or 0) >= 3600 else 86400
    if span > longest:
        yield "evaluationPeriods", f"{span} s are looked at, at most {longest} s allowed"


def _metric(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if bool(inputs.get("metricName")) == bool(inputs.get("metricQueries")):
        yield "metricName", "exactly one of metricName and metricQueries is needed"
    if inputs.get("metricName") and not inputs.get("namespace"):
        yield "namespace", "nothing was given, metricName needs one"
    if inputs.get("metricName") and not (
        inputs.get("statistic") or inputs.get("extendedStatistic")
    ):
        yield "statistic", "nothing was given, metricName needs one, or an extendedStatistic"


def _actions(inputs: Inputs) -> Iterator[tuple[str, str]]:
    for name in ("alarmActions", "okActions", "insufficientDataActions"):
        for at, action in enumerate(inputs.get(name) or ()):
            if isinstance(action, str) and not action.startswith("arn:"):
                yield f"{name}[{at}]", f'"{action}" is no ARN'


def _event_rule(inputs: Inputs) -> Inputs:
    enabled = inputs.pop("isEnabled", None)
    if enabled is not None:
        inputs["state"] = "ENABLED" if enabled in (True, "true") else "DISABLED"
    return inputs


def _trigger(inputs: Inputs) -> Iterator[tuple[str, str]]:
    if not inputs.get("eventPattern") and not inputs.get("scheduleExpression"):
        yield "eventPattern", "nothing was given, and no scheduleExpression either"
    schedule = inputs.get("scheduleExpression")
    if isinstance(schedule, str) and not (
        schedule.startswith(("rate(", "cron(")) and schedule.endswith(")")
    ):
        yield "scheduleExpression", f'"{schedule}" given, rate(...) or cron(...) is needed'


def _event_target(inputs: Inputs) -> Inputs:
    task = inputs.get("ecsTarget")
    if isinstance(task, dict):
        _public_ip(task.get("networkConfiguration"))
    return inputs


ENTRIES = {
    "LogGroup": Entry(
        service="logs",
        operation="CreateLogGroup",
        kind="logGroup",
        ignore={"namePrefix": "it became the name", "skipDestroy": "Terraform's deletion"},
        prepare=_log_group,
        limits={"retentionInDays": RETENTIONS},
        then=(
            Call(
                operation="PutRetentionPolicy",
                takes=("retentionInDays",),
                fixed={"logGroupName": "{name}"},
            ),
        ),
        id="{name}",
        outputs={"arn": "arn:aws:logs:{region}:{account}:log-group:{name}"},
    ),
    "LogMetricFilter": Entry(
        service="logs",
        operation="PutMetricFilter",
        kind="filter",
        rename={
            "pattern": "filterPattern",
            "metricTransformation": "metricTransformations",
            "metricTransformation.name": "metricName",
            "metricTransformation.namespace": "metricNamespace",
            "metricTransformation.value": "metricValue",
        },
        id="{name}",
    ),
    "MetricAlarm": Entry(
        service="cloudwatch",
        operation="PutMetricAlarm",
        kind="Alarm",
        lift={"metricQueries.metric": ""},
        rename={
            "metricQueries": "Metrics",
            "metricQueries.metric.metricName": "MetricStat.Metric.MetricName",
            "metricQueries.metric.namespace": "MetricStat.Metric.Namespace",
            "metricQueries.metric.dimensions": "MetricStat.Metric.Dimensions",
            "metricQueries.metric.period": "MetricStat.Period",
            "metricQueries.metric.stat": "MetricStat.Stat",
            "metricQueries.metric.unit": "MetricStat.Unit",
        },
        rules=(_datapoints, _periods, _metric, _actions),
        limits={
            "treatMissingData": ("missing", "ignore", "breaching", "notBreaching"),
            "evaluateLowSampleCountPercentiles": ("evaluate", "ignore"),
        },
        id="{name}",
        outputs={"arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"},
    ),
    "CompositeAlarm": Entry(
        service="cloudwatch",
        operation="PutCompositeAlarm",
        shadow="moto has no composite alarms",
        lift={"actionsSuppressor": "actionsSuppressor"},
        rename={"actionsSuppressor.alarm": "ActionsSuppressor"},
        rules=(_actions,),
        id="{alarmName}",
        outputs={"arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{alarmName}"},
    ),
    "Dashboard": Entry(
        service="cloudwatch",
        operation="PutDashboard",
        documents=("dashboardBody",),
        id="{dashboardName}",
        outputs={"dashboardArn": "arn:aws:cloudwatch::{account}:dashboard/{dashboardName}"},
    ),
    "EventRule": Entry(
        service="events",
        operation="PutRule",
        kind="Rule",
        ignore={"namePrefix": "it became the name", "forceDestroy": "Terraform's deletion"},
        prepare=_event_rule,
        documents=("eventPattern",),
        rules=(_trigger,),
        id="{name}",
    ),
    "EventTarget": Entry(
        service="events",
        operation="PutTargets",
        rename={
            "arn": "Targets[].Arn",
            "targetId": "Targets[].Id",
            "roleArn": "Targets[].RoleArn",
            "input": "Targets[].Input",
            "inputPath": "Targets[].InputPath",
            "inputTransformer": "Targets[].InputTransformer",
            "inputTransformer.inputPaths": "InputPathsMap",
            "deadLetterConfig": "Targets[].DeadLetterConfig",
            "retryPolicy": "Targets[].RetryPolicy",
            "retryPolicy.maximumEventAgeInSeconds": "MaximumEventAgeInSeconds",
            "appsyncTarget": "Targets[].AppSyncParameters",
            "appsyncTarget.graphqlOperation": "GraphQLOperation",
            "batchTarget": "Targets[].BatchParameters",
            "batchTarget.arraySize": "ArrayProperties.Size",
            "batchTarget.jobAttempts": "RetryStrategy.Attempts",
            "ecsTarget": "Targets[].EcsParameters",
            "ecsTarget.networkConfiguration": "NetworkConfiguration.awsvpcConfiguration",
            "ecsTarget.capacityProviderStrategies": "CapacityProviderStrategy",
            "ecsTarget.orderedPlacementStrategies": "PlacementStrategy",
            "httpTarget": "Targets[].HttpParameters",
            "kinesisTarget": "Targets[].KinesisParameters",
            "redshiftTarget": "Targets[].RedshiftDataParameters",
            "redshiftTarget.secretsManagerArn": "SecretManagerArn",
            "runCommandTargets": "Targets[].RunCommandParameters.RunCommandTargets",
            "sagemakerPipelineTarget": "Targets[].SageMakerPipelineParameters",
            "sqsTarget": "Targets[].SqsParameters",
        },
        ignore={"forceDestroy": "Terraform's deletion"},
        prepare=lambda inputs: {"targetId": "target", **_event_target(inputs)},
        id="{rule}-{targetId}",
    ),
}
