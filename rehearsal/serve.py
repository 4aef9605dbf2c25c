"""Keeps the in-memory AWS of this process up on a local port, for other tools to look around."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from moto.server import ThreadedMotoServer

HOST = "127.0.0.1"


class PortError(Exception):
    """The port cannot be served on."""


@contextmanager
def serving(port: int) -> Iterator[str]:
    """Serve what this process made on `port` of the loopback interface and give the address.

    Port 0 picks a free one. Raises PortError when the port is taken or not allowed.
    """
    _try(port)
    server = ThreadedMotoServer(HOST, port, verbose=False)
    server.start()
    try:
        host, bound = server.get_host_and_port()
        yield f"http://{host}:{bound}"
    finally:
        server.stop()


def until_interrupted(port: int, region: str) -> None:
    """Serve until Ctrl-C. `region` is where the stack stands, and what is told to look in."""
    with serving(port) as address:
        print(f"\nThe in-memory AWS answers on {address} until Ctrl-C. Look around with")
        print(
            "  AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any "
            f"AWS_DEFAULT_REGION={region} "
            f"aws --endpoint-url {address} sqs list-queues",
            flush=True,
        )
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


def _try(port: int) -> None:
    """moto's server waits for ever when its thread cannot bind, so the port is tried first."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as problem:
            raise PortError(f"--serve {port}: {problem.strerror}; 0 picks a free port") from None
