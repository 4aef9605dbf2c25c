"""`python -m operations.gate migrate|smoke STACK --outputs FILE`: hold a release at its gate.

On Fargate, ECS calls the gates itself, and there is nothing to do here, but for the migration of a
rolling deployment, which knows no hooks. On EC2 and Elastic Beanstalk nobody else calls them: the
delivery workflow does, the migration before the new version and the smoke test after it
(docs/deployments.md).

Exits with 0 when the gate lets the release through, 1 when it does not, 2 when the command itself
was wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from operations.command import explained, run
from operations.stack_file import (
    OutputsError,
    StackFile,
    StackFileError,
    ask_for_outputs,
    ask_for_stack,
    build_of,
    read,
    read_outputs,
)

OK, CLOSED = 0, 1
LONGEST_SECONDS = 1800
"""Beyond the 20 minutes that a migration has by default; the function itself gives up before."""
ANSWER_SECONDS = 300
"""The smoke test answers once it is done, within 3 minutes."""


class GateError(Exception):
    """The gate gave no answer; the message says why."""


def main(
    arguments: Sequence[str] | None = None,
    *,
    lambda_client: Any = None,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    asked = _parse(arguments)
    try:
        file = read(asked.stack, asked.config_file)
        if why := called_by_ecs(file):
            print(f"{asked.gate}: {why}")
            return OK
        functions = read_outputs(asked.outputs)["deployment"]
        if asked.gate not in functions:
            print(f"{asked.gate}: {file.path} has none")
            return OK
        client = lambda_client or boto3.client(
            "lambda",
            region_name=file.region,
            # A second call beside the first would ask twice.
            config=Config(read_timeout=ANSWER_SECONDS, retries={"max_attempts": 0}),
        )
        status = _answer(client, functions[asked.gate], build_of(file.get("api.image")), now, sleep)
    except (StackFileError, OutputsError, GateError, BotoCoreError, ClientError) as problem:
        print(explained(problem), file=sys.stderr)
        return CLOSED
    print(f"{asked.gate}: {status}")
    if status != "SUCCEEDED":
        log_group = f"/deployments/{file.prefix}-api"
        print(
            f"Its log is in {log_group}; docs/deployments.md says how to read it", file=sys.stderr
        )
        return CLOSED
    return OK


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m operations.gate",
        description="Call a gate of a release where ECS does not: on EC2 and Elastic Beanstalk.",
    )
    parser.add_argument("gate", choices=["migrate", "smoke"], help="which gate")
    ask_for_stack(parser)
    ask_for_outputs(parser)
    return parser.parse_args(arguments)


def called_by_ecs(file: StackFile) -> str | None:
    """Why nobody has to call the gates of this stack, if nobody has."""
    if file.get("api.kind") != "fargate":
        return None
    if file.get("api.fargate.strategy") == "rolling":
        return None
    return "ECS calls it in the deployment itself"


def _answer(
    client: Any,
    function: str,
    build: str,
    now: Callable[[], float],
    sleep: Callable[[float], None],
) -> str:
    """Ask until the gate says SUCCEEDED or FAILED. Raises GateError when it never does."""
    until = now() + LONGEST_SECONDS
    event: dict[str, Any] = {"build": build}
    while True:
        answer = _invoked(client, function, event)
        status = answer.get("hookStatus")
        if status in ("SUCCEEDED", "FAILED"):
            return status
        if status != "IN_PROGRESS":
            raise GateError(f"{function} answered {json.dumps(answer)}, which is no gate's answer")
        if now() > until:
            raise GateError(f"{function} was still at it after {LONGEST_SECONDS // 60} minutes")
        event = {"build": build, "hookDetails": answer.get("hookDetails") or {}}
        sleep(int(answer.get("callBackDelay", 15)))


def _invoked(client: Any, function: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    payload = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        raise GateError(f"{function} failed: {payload.get('errorMessage', payload)}")
    if not isinstance(payload, Mapping):
        raise GateError(f"{function} answered {json.dumps(payload)}, which is no gate's answer")
    return payload


if __name__ == "__main__":
    run(main)
