"""Runs the API's container on an instance; systemd calls it whenever the container is to start.

It needs what Amazon Linux 2023 brings, Python 3.9 and the AWS CLI, and nothing of this repository:
the instance gets this file alone, beside a JSON file that says what to run.

    launch.py api.json i-0123456789abcdef0

Secrets are fetched anew with every start and handed on in the process environment, so that no
command line and no file of ours ever holds one. Docker keeps a container's environment for as long
as there is the container, on the instance's encrypted disk.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REGISTRY = re.compile(r"^(\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com)/")
"""ECR, which alone is logged in to."""


def main(spec_file: str, instance: str) -> None:
    spec = json.loads(Path(spec_file).read_text(encoding="utf-8"))
    _pull(spec["image"])
    secrets = {name: _fetched(source) for name, source in spec["secrets"].items()}
    # What an earlier start has left behind bears the same name.
    _run("docker", "rm", "--force", spec["name"], check=False)
    # The container's client takes this process's place: whoever stops the unit stops the container.
    os.execvpe("docker", _command(spec, instance), {**os.environ, **secrets})  # noqa: S606, S607


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


def _command(spec: Mapping[str, Any], instance: str) -> list[str]:
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
        # Blocking would stop the API's own work whenever the log is slow.
        "--log-opt=mode=non-blocking",
        f"--log-opt=max-buffer-size={spec['log_buffer']}",
        *(f"--env={name}={value}" for name, value in spec["environment"].items()),
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
