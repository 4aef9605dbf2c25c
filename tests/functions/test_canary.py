"""functions/canary: which answers let the journey go on, and which end it."""

from __future__ import annotations

import http.server
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from functions.canary import handler

ANSWERS: dict[str, tuple[int, bytes]] = {
    "/health": (200, b'{"status": "ok"}'),
    "/login": (302, b""),
    "/api/projects": (401, b"who are you"),
    "/broken": (503, b"sorry"),
}


@pytest.fixture(name="asked")
def _asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """An API on loopback, and the path and the user agent of each request it had."""
    asked: list[tuple[str, str]] = []

    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["User-Agent"]))
            status, body = ANSWERS[self.path]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/health")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is to be said."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("URL", f"http://127.0.0.1:{server.server_port}")
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()


def step(name: str, path: str, status: int = 200, **more: Any) -> dict[str, Any]:
    return {"name": name, "path": path, "status": status, **more}


def walk(monkeypatch: pytest.MonkeyPatch, *steps: dict[str, Any]) -> str:
    monkeypatch.setenv("STEPS", json.dumps(steps))
    return handler.handler({}, None)


def test_a_journey_whose_every_step_answers_as_it_must_passes(
    asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
):  # B50
    said = walk(
        monkeypatch,
        step("health", "/health", contains='"ok"'),
        step("login", "/login", 302),
        step("private", "/api/projects", 401),
    )

    assert said == "3 steps passed"
    assert asked == [(path, "backlot-canary") for path in ("/health", "/login", "/api/projects")]


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (step("down", "/broken"), "step 2 of 3, down: /broken answered 503, not 200"),
        (
            step("other", "/health", contains="projects"),
            "step 2 of 3, other: /health answered 200 without 'projects'",
        ),
        (step("lax", "/login"), "step 2 of 3, lax: /login answered 302, not 200"),
    ],
)
def test_a_step_that_does_not_ends_it_and_says_which_and_why(
    broken: dict[str, Any],
    problem: str,
    asked: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
):  # B50
    with pytest.raises(RuntimeError) as failed:
        walk(monkeypatch, step("first", "/health"), broken, step("never", "/api/projects", 401))

    assert str(failed.value) == problem
    assert [path for path, _ in asked] == ["/health", broken["path"]]


def test_an_api_that_nobody_can_reach_fails_the_journey(monkeypatch: pytest.MonkeyPatch):  # B50
    monkeypatch.setenv("URL", "http://127.0.0.1:1")

    with pytest.raises(RuntimeError, match="health: /health gave no answer: ConnectionRefused"):
        walk(monkeypatch, step("health", "/health"))


def test_https_is_spoken_to_an_address_that_says_so(monkeypatch: pytest.MonkeyPatch):
    spoken: list[tuple[str, float]] = []

    class Refused:
        def __init__(self, netloc: str, *, timeout: float, context: object) -> None:
            spoken.append((netloc, timeout))

        def request(self, *_: object, **__: object) -> None:
            raise OSError("certificate verify failed")

        def close(self) -> None:
            """There is nothing to close."""

    monkeypatch.setattr(handler, "HTTPSConnection", Refused)
    monkeypatch.setenv("URL", "https://api.studio.example")

    with pytest.raises(RuntimeError, match="gave no answer: OSError: certificate verify failed"):
        walk(monkeypatch, step("health", "/health"))
    assert spoken == [("api.studio.example", 10)]


def test_every_step_is_a_line_of_the_log(
    asked: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):  # B50
    with caplog.at_level(logging.INFO), pytest.raises(RuntimeError):
        walk(monkeypatch, step("health", "/health"), step("down", "/broken"))

    lines = [json.loads(record.message) for record in caplog.records]
    assert [{key: value for key, value in line.items() if key != "seconds"} for line in lines] == [
        {"step": "health", "path": "/health", "passed": True},
        {
            "step": "down",
            "path": "/broken",
            "passed": False,
            "problem": "answered 503, not 200",
        },
    ]
    assert all(line["seconds"] >= 0 for line in lines)
