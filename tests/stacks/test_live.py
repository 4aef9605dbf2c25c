"""The stack files at the top, which are their owner's: what must hold whatever they say."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from rehearsal.provider import MotoProvider
from rehearsal.run import rehearse
from tests.recorder import ROOT, Recorded

FILES = sorted(ROOT.glob("Pulumi.*.yaml"))


def stack_of(file: Path) -> str:
    return file.name.split(".")[1]


@pytest.mark.parametrize("file", FILES, ids=stack_of)
def test_a_stack_file_rehearses_without_an_error(
    file: Path, stack_graph: Callable[..., Recorded]
) -> None:
    shipped = ROOT / "tests" / "shipped" / file.name
    if shipped.exists() and _settings(shipped) == _settings(file):
        graph = stack_graph(stack_of(file), moto=True).graph
    else:
        with MotoProvider() as provider:
            graph = rehearse(ROOT, stack_of(file), file, provider)

    errors = [finding.message for finding in graph.findings if finding.severity == "error"]
    assert errors == []


def test_no_two_stacks_share_an_address() -> None:
    networks = {
        stack_of(file): ipaddress.IPv4Network(_settings(file)["backlot:network"]["cidr"])
        for file in FILES
    }  # M12: environments can be joined later, when their addresses stand apart
    shared = [
        (one, other)
        for one, other in itertools.combinations(networks, 2)
        if networks[one].overlaps(networks[other])
    ]
    assert shared == []


def _settings(file: Path) -> dict[str, dict[str, str]]:
    return yaml.safe_load(file.read_text(encoding="utf-8"))["config"]
