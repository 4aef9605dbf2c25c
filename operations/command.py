"""What every command does alike: begin, end, and say what AWS has refused."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from botocore import exceptions

REMEDIES: dict[type[exceptions.BotoCoreError], str] = {
    exceptions.NoCredentialsError: "sign in (`aws sso login`), or name a profile in AWS_PROFILE",
    exceptions.PartialCredentialsError: "give both halves of the key, or sign in",
    exceptions.ProfileNotFound: "set AWS_PROFILE to one of `aws configure list-profiles`",
    exceptions.SSOError: "sign in again (`aws sso login`)",
    exceptions.TokenRetrievalError: "sign in again (`aws sso login`)",
    exceptions.NoRegionError: "give --region, or set AWS_DEFAULT_REGION",
    exceptions.EndpointConnectionError: "look at the region and at the network",
}
"""What to do, where botocore's own sentence does not say it."""

OUTDATED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "RequestExpired",
    "UnrecognizedClientException",
}
"""Codes of AWS for credentials that are good no more.
https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html"""


def run(main: Callable[[], int]) -> NoReturn:
    """End the program with what `main` answers.

    A reader that has enough, such as `| head`, and Ctrl-C end it as they end any program: without a
    traceback, and with 128 and the signal's number.
    """
    try:
        try:
            code = main()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more on its way out, and the pipe is gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    sys.exit(code)


def explained(problem: Exception) -> str:
    """What a command prints of what went wrong, with what to do where botocore leaves it open."""
    said = str(problem).rstrip(".")
    for kind, remedy in REMEDIES.items():
        if isinstance(problem, kind):
            return f"{said}; {remedy}"
    code = isinstance(problem, exceptions.ClientError) and problem.response["Error"].get("Code")
    return f"{said}; sign in again" if code in OUTDATED else str(problem)
