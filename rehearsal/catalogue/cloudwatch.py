"""Amazon CloudWatch, CloudWatch Logs and EventBridge, which Pulumi keeps in one module."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rehearsal.catalogue import schedules
from rehearsal.catalogue.ecs import _public_ip
from rehearsal.catalogue.entry import Call, Entry, Inputs, under

RETENTIONS = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Days. Zero is Terraform's word for keeping logs for ever."""


def _log_group(inputs: Inputs) -> Inputs:
    if not inputs.get("retentionInDays"):
        inputs.pop("retentionInDays", None)
    return inputs


def _subscription_filter(inputs: Inputs) -> Inputs:
    inputs.setdefault("distribution", "ByLogStream")
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


CHILDREN, ELEMENTS = 100, 500
"""Alarms and elements of a composite alarm's rule.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

CHILD = re.compile(r'\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*("[^"]*"|[^")]*?)\s*\)')

STREAMS = (":firehose:", ":kinesis:")

LONGEST_MUTE = 15 * 24 * 60
"""Minutes. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Schedule.html"""

DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?)?")


def _children(inputs: Inputs) -> Iterator[tuple[str, str]]:
    rule = inputs.get("alarmRule")
    if not isinstance(rule, str):
        return
    named = CHILD.findall(rule)
    rest = CHILD.sub("", rule)
    elements = len(named) + len(re.findall(r"\b(?:TRUE|FALSE)\b|[()]", rest))
    if (children := len(set(named))) > CHILDREN:
        yield "alarmRule", f"{children} alarms named, at most {CHILDREN} allowed"
    if elements > ELEMENTS:
        yield "alarmRule", f"{elements} elements given, at most {ELEMENTS} allowed"


def _suppressed(inputs: Inputs) -> Iterator[tuple[str, str]]:
    suppressor = inputs.get("actionsSuppressor")
    for name in ("waitPeriod", "extensionPeriod"):
        if isinstance(suppressor, dict) and suppressor.get(name) is None:
            yield f"actionsSuppressor.{name}", "nothing was given, a suppressor needs it"


def _muted(inputs: Inputs) -> Iterator[tuple[str, str]]:
    path = "rule.schedule.duration"
    duration = under(inputs, path)
    if not isinstance(duration, str):
        return
    found = DURATION.fullmatch(duration)
    days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    if not 1 <= (days * 24 + hours) * 60 + minutes <= LONGEST_MUTE:
        yield path, f'"{duration}" given, PT1M to P15D allowed'


def _mute_times(inputs: Inputs) -> Iterator[tuple[str, str]]:
    path = "rule.schedule.expression"
    expression = under(inputs, path)
    if not isinstance(expression, str):
        return
    found = schedules.CRON.fullmatch(expression)
    if found and (len(fields := found[1].split()) != 5 or set("/?#") & set("".join(fields))):
        yield path, f'"{expression}" given, five fields of * - and , as in cron(0 2 * * SUN)'
    elif not found and not schedules.AT.fullmatch(expression):
        yield path, f'"{expression}" given, cron(0 2 * * SUN) or at(2026-01-31T03:00) is the form'


def _streamed(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html"""
    destination = inputs.get("destinationArn")
    stream = isinstance(destination, str) and any(one in destination for one in STREAMS)
    if stream and not inputs.get("roleArn"):
        yield "roleArn", "nothing was given, CloudWatch Logs writes to a stream with a role"


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
    "LogStream": Entry(
        service="logs",
        operation="CreateLogStream",
        rename={"name": "logStreamName"},
        id="{name}",
        outputs={
            "arn": "arn:aws:logs:{region}:{account}:log-group:{logGroupName}:log-stream:{name}"
        },
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
    "LogSubscriptionFilter": Entry(
        service="logs",
        operation="PutSubscriptionFilter",
        kind="filter",
        rename={"logGroup": "logGroupName"},
        prepare=_subscription_filter,
        rules=(_streamed,),
        id="cwlsf-{hex8}",
    ),
    "QueryDefinition": Entry(
        service="logs",
        operation="PutQueryDefinition",
        shadow="moto has no saved queries",
        id="{uuid}",
        outputs={
            "arn": "arn:aws:logs:{region}:{account}:query-definition:{uuid}",
            "queryDefinitionId": "{uuid}",
        },
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
        rules=(_actions, _children, _suppressed),
        id="{alarmName}",
        outputs={"arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{alarmName}"},
    ),
    "AlarmMuteRule": Entry(
        service="cloudwatch",
        operation="PutAlarmMuteRule",
        shadow="moto has no mute rules",
        rules=(_muted, _mute_times),
        id="{name}",
        outputs={"arn": "arn:aws:cloudwatch:{region}:{account}:alarm-mute-rule:{name}"},
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
