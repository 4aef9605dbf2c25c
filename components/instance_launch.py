"""Runs our code on an instance, in a container or as it is; systemd calls it at every start.

It needs what Amazon Linux 2023 brings, Python 3.9 and the AWS CLI, and nothing of this repository:
the instance gets this file alone, beside a JSON file that says what to run.

    launch.py api.json i-0123456789abcdef0

Secrets are fetched anew with every start and handed on in the process environment, so that no
command line and no file of ours ever holds one. Docker keeps a container's environment for as long
as there is the container, on the instance's encrypted disk.

With `ready_hook`, the hook that its group holds new instances with, it lets go of the instance once
all of that is at hand, and starts nothing before the group has put the instance into service.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REGISTRY = re.compile(r"^(\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com)/")
"""ECR, which alone is logged in to."""

POLL_SECONDS = 5
"""Between two looks at what the group makes of the instance."""


def main(spec_file: str, instance: str) -> None:
    spec = json.loads(Path(spec_file).read_text(encoding="utf-8"))
    image = spec.get("image")
    if image:
        _pull(image)
    secrets = {name: _fetched(source) for name, source in spec["secrets"].items()}
    environment = spec["environment"]
    hook = spec.get("ready_hook")
    if hook:
        group = _in_service(spec["region"], hook, instance)
        environment = {**environment, "GROUP": group, "INSTANCE_ID": instance}
    if image:
        # What an earlier start has left behind bears the same name.
        _run("docker", "rm", "--force", spec["name"], check=False)
        command, environment = _container(spec, environment, instance), {}
    else:
        command = spec["command"]
    # What runs takes this process's place: whoever stops the unit stops it.
    os.execvpe(command[0], command, {**os.environ, **environment, **secrets})  # noqa: S606


def _in_service(region: str, hook: str, instance: str) -> str:
    """The name of the instance's group, once it is to work there.

    One that goes to a warm pool waits here until it is stopped, and one that is to be terminated
    for its end: neither may take a job.
    """
    asked = ("autoscaling", "describe-auto-scaling-instances", "--instance-ids", instance)
    while True:
        for found in _ask(region, *asked)["AutoScalingInstances"]:
            group, state = found["AutoScalingGroupName"], found["LifecycleState"]
            if state == "InService":
                return group
            if state.endswith("Pending:Wait"):
                _let_go(region, group, hook, instance)
        time.sleep(POLL_SECONDS)


def _let_go(region: str, group: str, hook: str, instance: str) -> None:
    _run(
        "aws",
        "autoscaling",
        "complete-lifecycle-action",
        f"--auto-scaling-group-name={group}",
        f"--lifecycle-hook-name={hook}",
        f"--instance-id={instance}",
        "--lifecycle-action-result=CONTINUE",
        f"--region={region}",
        # What it was told already it refuses, and what else is wrong the next look shows.
        check=False,
    )


def _pull(image: str) -> None:
    # One that is here already runs although the registry cannot be reached.
    if _run("docker", "image", "inspect", image, check=False).returncode == 0:
        return
    registry = REGISTRY.match(image)
    if registry:
        host, region = registry.groups()
        password = _run("aws", "ecr", "get-login-password", "--region", region).stdout
        _run("docker", "login", "--username=AWS", "--password-stdin", host, given=password)
    _run("docker", "pull", "--quiet", image)


def _fetched(source: str) -> str:
    """What `source` names as ECS spells it: a secret, `<its ARN>:<json key>::`, or a parameter."""
    parts = source.split(":")
    service, region = parts[2], parts[3]
    if service == "ssm":
        asked = ("ssm", "get-parameter", "--with-decryption", "--name", source)
        return _ask(region, *asked)["Parameter"]["Value"]
    asked = ("secretsmanager", "get-secret-value", "--secret-id", ":".join(parts[:7]))
    value = _ask(region, *asked)["SecretString"]
    key = parts[7] if len(parts) > 7 else ""
    if not key:
        return value
    part = json.loads(value)[key]
    return part if isinstance(part, str) else json.dumps(part)


def _ask(region: str, *question: str) -> dict[str, Any]:
    # As plain text, an answer does not tell the line breaks at its end from the CLI's own.
    return json.loads(_run("aws", *question, "--region", region, "--output", "json").stdout)


def _container(spec: Mapping[str, Any], environment: Mapping[str, str], instance: str) -> list[str]:
    return [
        "docker",
        "run",
        "--rm",
        "--init",
        f"--name={spec['name']}",
        # Nothing else listens on the instance, and its role is one hop away, not two.
        "--network=host",
        f"--stop-timeout={spec['stop_seconds']}",
        "--log-driver=awslogs",
        f"--log-opt=awslogs-region={spec['region']}",
        f"--log-opt=awslogs-group={spec['log_group']}",
        f"--log-opt=awslogs-stream={spec['name']}/{instance}",
        # Blocking would stop the container's own work whenever the log is slow.
        "--log-opt=mode=non-blocking",
        f"--log-opt=max-buffer-size={spec['log_buffer']}",
        *(f"--env={name}={value}" for name, value in environment.items()),
        *(f"--env={name}" for name in spec["secrets"]),
        spec["image"],
        *spec["command"],
    ]


def _run(
    *command: str, given: str | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run `command` and keep its answer; what it complains of goes to the journal."""
    return subprocess.run(  # noqa: S603
        command, input=given, stdout=subprocess.PIPE, check=check, text=True
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
