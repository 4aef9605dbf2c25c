"""Walks a journey through the API as a user would, step by step; CloudWatch Synthetics runs it.

A step that does not answer as it must ends the journey, and the run has failed. Each step is a line
in the run's log, which Synthetics keeps with the run's results. There is no browser in it.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Synthetics_Canaries_WritingCanary_Python.html

Environment: URL is where the API answers; STEPS a JSON list, each {"name", "path", "status"} with
"contains" where the answer must hold a text.
"""

from __future__ import annotations

import json
import logging
import os
import ssl
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

STEP_SECONDS = 10
BODY_BYTES = 1_048_576
"""What is read of an answer; a text beyond it is not found."""

log = logging.getLogger()
log.setLevel(logging.INFO)


def handler(_event: object, _context: object) -> str:
    """Return how many steps there were.

    Raises RuntimeError, which names the step and what was wrong, at the first that fails.
    """
    steps = json.loads(os.environ["STEPS"])
    for number, step in enumerate(steps, start=1):
        started = time.monotonic()
        problem = _problem(step)
        said = {
            "step": step["name"],
            "path": step["path"],
            "passed": problem is None,
            "seconds": round(time.monotonic() - started, 3),
            **({"problem": problem} if problem else {}),
        }
        log.info(json.dumps(said))
        if problem:
            raise RuntimeError(
                f"step {number} of {len(steps)}, {step['name']}: {step['path']} {problem}"
            )
    return f"{len(steps)} steps passed"


def _problem(step: Mapping[str, Any]) -> str | None:
    try:
        status, body = _get(step["path"])
    except (OSError, HTTPException) as error:
        return f"gave no answer: {type(error).__name__}: {error}"
    if status != step["status"]:
        return f"answered {status}, not {step['status']}"
    wanted = step.get("contains")
    if wanted is not None and wanted not in body.decode(errors="replace"):
        return f"answered {status} without {wanted!r}"
    return None


def _get(path: str) -> tuple[int, bytes]:
    url = urlsplit(os.environ["URL"])
    if url.scheme == "https":
        context = ssl.create_default_context()
        connection = HTTPSConnection(url.netloc, timeout=STEP_SECONDS, context=context)
    else:
        connection = HTTPConnection(url.netloc, timeout=STEP_SECONDS)
    try:
        # No redirect is followed: a step says which answer it wants, and 302 may be one.
        # Firewalls refuse requests of nobody in particular; AWS's own common rules do.
        connection.request(
            "GET", url.path.rstrip("/") + path, headers={"User-Agent": "backlot-canary"}
        )
        response = connection.getresponse()
        return response.status, response.read(BODY_BYTES)
    finally:
        connection.close()
