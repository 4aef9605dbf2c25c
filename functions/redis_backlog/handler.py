"""Tells CloudWatch once a minute how many jobs wait in the cache and how many are at work.

Redis counts both and tells neither to CloudWatch. The jobs of a queue wait in a list; those at work
stand in a hash, which Celery's broker library keeps for all queues of a database together. Jobs
with a priority of their own stand in further lists and are not counted.

It runs in the VPC, speaks Redis's own protocol over TLS and checks the certificate.
https://redis.io/docs/latest/develop/reference/protocol-spec/

Environment: SECRET is the ARN of the secret that holds the cache's address, rediss://:token@host;
QUEUES a JSON {"name": {"key": "the list", "unacked": "the hash"}}; NAMESPACE the namespace of the
metrics Waiting and AtWork, whose dimension Queue is the name.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRWPair
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import boto3
from botocore.config import Config

PORT = 6379
REDIS_SECONDS = 5
"""For the connection and for each answer; a cache that is well takes milliseconds."""

PATIENCE = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
"""A VPC without a way to AWS shows as an error, not as a function that ran out of time."""

LINE_BYTES = 4096
"""Far above any answer to what is asked here, a number or an error."""

log = logging.getLogger()
log.setLevel(logging.INFO)


class RedisError(Exception):
    """What Redis answered instead of what was asked for."""


def handle(_event: object, _context: object) -> dict[str, dict[str, list[int]]]:
    """Return the jobs waiting and at work, by queue.

    Raises RuntimeError, once all that could be counted is published, when some could not be;
    OSError when the cache cannot be reached, or is not who it should be.
    """
    counted: dict[str, list[int]] = {}
    failed: list[str] = []
    with _connection(_address()) as stream:
        for name, keys in json.loads(os.environ["QUEUES"]).items():
            try:
                waiting = _ask(stream, "LLEN", keys["key"])
                counted[name] = [waiting, _ask(stream, "HLEN", keys["unacked"])]
            except RedisError:
                log.exception("%s: could not be counted", name)
                failed.append(name)
    if counted:
        _publish(counted)
    if failed:
        raise RuntimeError(f"not counted: {', '.join(failed)}")
    return {"counted": counted}


def _address() -> SplitResult:
    """Read each time, so that a new token counts at once. Raises ValueError without showing it."""
    secret = os.environ["SECRET"]
    answer = boto3.client("secretsmanager", config=PATIENCE).get_secret_value(SecretId=secret)
    refusal = ValueError(f"{secret} holds no address of the form rediss://:token@host:port/0")
    try:
        address = urlsplit(answer["SecretString"])
        told = address.hostname and address.password and address.port != 0
    except ValueError:
        # Its own words quote the address, and the token stands in it.
        raise refusal from None
    if address.scheme != "rediss" or not told:
        raise refusal
    return address


@contextmanager
def _connection(address: SplitResult) -> Iterator[BufferedRWPair]:
    """A connection that is let in and stands on the address's database."""
    host = address.hostname or ""
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, address.port or PORT), REDIS_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as encrypted,
        encrypted.makefile("rwb") as stream,
    ):
        user, token = unquote(address.username or ""), unquote(address.password or "")
        _ask(stream, "AUTH", *([user] if user else []), token)
        database = address.path.strip("/")
        if database not in ("", "0"):
            _ask(stream, "SELECT", database)
        yield stream


def _ask(stream: BufferedRWPair, *words: str) -> int:
    """The number that is answered; 0 for OK.

    Raises RedisError for a refusal, after which the next question may be asked, and ConnectionError
    for an answer that makes no sense, after which it may not.
    """
    encoded = [word.encode() for word in words]
    parts = [b"*%d\r\n" % len(encoded), *(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)]
    stream.write(b"".join(parts))
    stream.flush()
    answer = stream.readline(LINE_BYTES)
    if not answer.endswith(b"\r\n"):
        raise ConnectionError(f"the cache broke off in its answer to {words[0]}")
    kind, text = answer[:1], answer[1:].strip().decode(errors="replace")
    match kind:
        case b":" if text.isdecimal():
            return int(text)
        case b"+":
            return 0
        case b"-":
            raise RedisError(f"{words[0]}: {text}")
        case _:
            raise ConnectionError(
                f"the cache does not speak Redis's protocol; to {words[0]}: {text}"
            )


def _publish(counted: dict[str, list[int]]) -> None:
    data: list[Any] = [
        {
            "MetricName": metric,
            "Dimensions": [{"Name": "Queue", "Value": name}],
            "Value": value,
            "Unit": "Count",
        }
        for name, values in counted.items()
        for metric, value in zip(("Waiting", "AtWork"), values, strict=True)
    ]
    boto3.client("cloudwatch", config=PATIENCE).put_metric_data(
        Namespace=os.environ["NAMESPACE"], MetricData=data
    )
