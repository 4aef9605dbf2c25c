"""Amazon CloudWatch Synthetics."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rehearsal.catalogue import schedules
from rehearsal.catalogue.entry import Call, Entry, Inputs, under

CODE = ("handler", "s3Bucket", "s3Key", "s3Version", "zipFile")


RUNTIME = re.compile(
    r"syn-(nodejs-puppeteer|nodejs-playwright|nodejs|python-selenium|java)-\d+\.\d+"
)
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Synthetics_Canaries_Library.html"""

LONGEST_RATE = 60
"""Minutes. https://docs.aws.amazon.com/AmazonSynthetics/latest/APIReference/API_CanaryScheduleInput.html"""

ONCE = ("rate(0 minute)", "rate(0 hour)")


def _canary(inputs: Inputs) -> Inputs:
    # A canary stands still until it is started, and the provider does so only when asked.
    if not inputs.get("startCanary"):
        inputs.pop("startCanary", None)
    return inputs


def _every(inputs: Inputs) -> Iterator[tuple[str, str]]:
    path = "schedule.expression"
    expression = under(inputs, path)
    if expression in ONCE:
        return
    if wrong := schedules.problem(expression, ("rate", "cron")):
        yield path, wrong
    minutes = schedules.minutes_apart(expression)
    if minutes and minutes > LONGEST_RATE:
        yield path, f"{expression} given, a rate of at most an hour is allowed"
    seconds = under(inputs, "runConfig.timeoutInSeconds")
    if minutes and seconds and int(seconds) > minutes * 60:
        where = "runConfig.timeoutInSeconds"
        yield where, f"{seconds} given, at most the {minutes * 60} s between two runs allowed"


def _memory(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/AmazonSynthetics/latest/APIReference/API_CanaryRunConfigInput.html"""
    path = "runConfig.memoryInMb"
    memory = under(inputs, path)
    if memory is not None and int(memory) % 64:
        yield path, f"{memory} given, a multiple of 64 is needed"


def _code(inputs: Inputs) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/AmazonSynthetics/latest/APIReference/API_CanaryCodeInput.html"""
    if bool(inputs.get("zipFile")) == bool(inputs.get("s3Bucket")):
        yield "zipFile", "exactly one of zipFile and s3Bucket is needed"
    if inputs.get("s3Bucket") and not inputs.get("s3Key"):
        yield "s3Key", "nothing was given, s3Bucket needs it"


def _runtime(inputs: Inputs) -> Iterator[tuple[str, str]]:
    version = inputs.get("runtimeVersion")
    if isinstance(version, str) and not RUNTIME.fullmatch(version):
        yield (
            "runtimeVersion",
            f'"{version}" given, a runtime is named as in syn-nodejs-puppeteer-10.0',
        )


ENTRIES = {
    "Canary": Entry(
        service="synthetics",
        operation="CreateCanary",
        rename={
            **{name: f"Code.{name[0].upper()}{name[1:]}" for name in CODE},
            "failureRetentionPeriod": "FailureRetentionPeriodInDays",
            "successRetentionPeriod": "SuccessRetentionPeriodInDays",
        },
        ignore={
            "deleteLambda": "told when the canary is deleted",
            "vpcConfig.vpcId": "AWS says it",
        },
        prepare=_canary,
        rules=(_every, _memory, _code),
        doubts=(_runtime,),
        then=(
            Call(
                operation="StartCanary",
                takes=("startCanary",),
                ignore={"startCanary": "the call itself"},
                fixed={"Name": "{name}"},
                shadow="moto has canaries, and they never run",
            ),
        ),
        id="{name}",
        outputs={
            "arn": "arn:aws:synthetics:{region}:{account}:canary:{name}",
            "engineArn": "arn:aws:lambda:{region}:{account}:function:cwsyn-{name}-{uuid}:1",
            "sourceLocationArn": "arn:aws:lambda:{region}:{account}:layer:cwsyn-{name}-{uuid}:1",
            "status": lambda scope: "RUNNING" if scope.find("startCanary") else "READY",
        },
    ),
}
