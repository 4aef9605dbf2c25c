"""Asks a new release whether it works, before users reach it and again once they do.

ECS calls after it has moved the test traffic (POST_TEST_TRAFFIC_SHIFT: the requests carry the test
rule's header) and after it has moved the users (POST_PRODUCTION_TRAFFIC_SHIFT: they carry none);
FAILED rolls the deployment back. A delivery workflow calls with {"build": "1.4.0"}, and the
requests go where the users' go.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html

Environment: URL is where the API answers; TEST_HEADER a JSON {name: value}; PATHS a JSON list, the
first of which tells its build in its JSON body under BUILD_KEY; CONTAINER the container whose image
is the build; ANSWERS how many good answers in a row are wanted of each path; LIMIT_SECONDS how long
all of it may take.
"""

from __future__ import annotations

import json
import logging
import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

THROUGH = {"POST_TEST_TRAFFIC_SHIFT": "test", "POST_PRODUCTION_TRAFFIC_SHIFT": "live"}
REQUEST_SECONDS = 5
PAUSE_SECONDS = 2
BODY_BYTES = 65_536
"""More than a health answer has; a longer one is not read to its end."""

PASSING_ERRORS = {
    "InternalFailure",
    "InternalServerError",
    "RequestLimitExceeded",
    "ServerException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
"""What AWS answers when nothing is wrong with the request and the next one may well pass."""

log = logging.getLogger()
log.setLevel(logging.INFO)


@dataclass(kw_only=True)
class Check:
    """A path, and what it last answered."""

    path: str
    build: str | None
    """What its body must tell; None where the body does not matter."""
    answers: int = 0
    """Good ones in a row."""
    status: int | None = None
    found: str | None = None
    error: str | None = None


def handle(event: Mapping[str, Any], _context: object) -> dict[str, str]:
    """Ask every path until all are good, and answer as a lifecycle hook does.

    Raises ValueError for an event that is neither ECS's nor a workflow's.
    """
    started = time.monotonic()
    deadline = started + float(os.environ["LIMIT_SECONDS"])
    match event:
        case {
            "lifecycleStage": str(stage),
            "executionDetails": {"targetServiceRevisionArn": str(revision)},
        }:
            if stage not in THROUGH:
                log.info("stage %s has nothing to ask; %s have", stage, " and ".join(THROUGH))
                return {"hookStatus": "SUCCEEDED"}
            through = THROUGH[stage]
            try:
                build = _build_of_revision(revision, deadline)
            except (LookupError, ClientError, BotoCoreError) as error:
                log.error(  # noqa: TRY400 (the message says it all, and it is one line)
                    "the build to expect cannot be told: %s",
                    error,
                    extra={
                        "check": "build",
                        "passed": False,
                        "through": through,
                        "error": str(error),
                        "seconds": round(time.monotonic() - started, 1),
                    },
                )
                return {"hookStatus": "FAILED"}
        case {"build": str(build)} if build:
            through = "live"
        case _:
            raise ValueError(
                "the event is neither a lifecycle hook's (lifecycleStage, executionDetails with"
                f' targetServiceRevisionArn) nor a workflow\'s {{"build": "1.4.0"}}: {event!r}'
            )
    first, *others = json.loads(os.environ["PATHS"])
    checks = [Check(path=first, build=build), *(Check(path=path, build=None) for path in others)]
    passed = _ask_until_good(checks, through, deadline)
    for check in checks:
        _report(check, through, time.monotonic() - started)
    return {"hookStatus": "SUCCEEDED" if passed else "FAILED"}


def _build_of_revision(revision: str, deadline: float) -> str:
    """Return the build of a service revision. Raises LookupError when ECS cannot tell it."""
    container = os.environ["CONTAINER"]
    while True:
        try:
            answer = boto3.client("ecs").describe_service_revisions(serviceRevisionArns=[revision])
            break
        except (ClientError, BotoCoreError) as error:
            if not _is_passing(error) or time.monotonic() >= deadline:
                raise
            log.warning("AWS is to be asked again: %s", error)
            _pause(deadline)
    if not answer["serviceRevisions"]:
        raise LookupError(f"ECS knows no service revision {revision}")
    images = answer["serviceRevisions"][0].get("containerImages", [])
    for each in images:
        if each.get("containerName") == container and each.get("image"):
            return _build_of(each["image"])
        if each.get("containerName") == container and each.get("imageDigest"):
            return each["imageDigest"]
    raise LookupError(f"{revision} names no image of container {container}: {images}")


def _build_of(image: str) -> str:
    return image.rpartition("@" if "@" in image else ":")[2]


def _is_passing(error: ClientError | BotoCoreError) -> bool:
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] in PASSING_ERRORS
    return isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError)


def _ask_until_good(checks: list[Check], through: str, deadline: float) -> bool:
    """Return whether, in time, every path had its good answers in a row.

    Each round asks all of them, also those that have theirs: several tasks answer by turns, and a
    path that goes bad while another is still coming up must not pass on its past.
    """
    wanted = int(os.environ["ANSWERS"])
    while True:
        for check in checks:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            _ask(check, through, min(REQUEST_SECONDS, left))
        if all(check.answers >= wanted for check in checks):
            return True
        _pause(deadline)


def _pause(deadline: float) -> None:
    time.sleep(min(PAUSE_SECONDS, max(0, deadline - time.monotonic())))


def _ask(check: Check, through: str, timeout: float) -> None:
    """Make one request on a connection of its own, and note in `check` what came of it."""
    check.status, check.found = None, None
    try:
        check.status, body = _get(check.path, through, timeout)
    except (OSError, HTTPException) as error:
        problem = f"{type(error).__name__}: {error}"
    else:
        problem = _problem(check, body)
    if problem is None:
        check.answers += 1
    else:
        check.answers, check.error = 0, problem


def _get(path: str, through: str, timeout: float) -> tuple[int, bytes]:
    url = urlsplit(os.environ["URL"])
    # Firewalls refuse requests of nobody in particular; AWS's own common rules do.
    headers = {"Accept": "application/json", "User-Agent": "backlot-smoke"}
    if through == "test":
        headers |= json.loads(os.environ["TEST_HEADER"])
    if url.scheme == "https":
        context = ssl.create_default_context()
        connection = HTTPSConnection(url.netloc, timeout=timeout, context=context)
    else:
        connection = HTTPConnection(url.netloc, timeout=timeout)
    try:
        # Unlike urllib, this follows no redirect: an answer from elsewhere would prove nothing.
        connection.request("GET", url.path.rstrip("/") + path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(BODY_BYTES)
    finally:
        connection.close()


def _problem(check: Check, body: bytes) -> str | None:
    if check.status != 200:
        return f"answered {check.status}, not 200"
    if check.build is None:
        return None
    key = os.environ["BUILD_KEY"]
    try:
        told = json.loads(body)[key]
    except (ValueError, LookupError, TypeError):
        return f"its body is no JSON with a {key}, so which version answered cannot be told"
    check.found = str(told)
    if check.found != check.build:
        return f"reached the old version: build {check.found} answered, not {check.build}"
    return None


def _report(check: Check, through: str, seconds: float) -> None:
    wanted = int(os.environ["ANSWERS"])
    passed = check.answers >= wanted
    facts: dict[str, Any] = {
        "check": check.path,
        "passed": passed,
        "through": through,
        "status": check.status,
        "answers": check.answers,
        "seconds": round(seconds, 1),
    }
    if check.build is not None:
        facts |= {"expectedBuild": check.build, "foundBuild": check.found}
    if passed:
        log.info("%s is good", check.path, extra=facts)
    else:
        facts["error"] = check.error
        log.error(
            "%s had %d of %d good answers in a row; the last problem: %s",
            check.path,
            check.answers,
            wanted,
            check.error,
            extra=facts,
        )
