"""The rules of the house, held against the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recorder import ROOT

OURS = (
    *("settings", "components", "functions", "operations", "rehearsal", "examples", "tests"),
    *("bootstrap", "deployments", "local"),
)

MAY_IMPORT = {
    "settings": {"settings"},
    "components": {"components", "settings"},
    "functions": set(),
    "examples": set(),
    "operations": {"operations"},
    "bootstrap": {"bootstrap"},
    "deployments": set(),
    "local": set(),
    "rehearsal": {"rehearsal"},
}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        # `from .place` stays within its own folder.
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_run_one_way(folder: str) -> None:
    against = {
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules(folder)
        for name in imports(module)
        if name.partition(".")[0] in set(OURS) - MAY_IMPORT[folder]
    }
    assert modules(folder)
    assert against == set()


def test_awsx_is_imported_by_the_network_alone() -> None:
    users = [
        str(module.relative_to(ROOT))
        for folder in ("settings", "components")
        for module in modules(folder)
        if any(name.startswith("pulumi_awsx") for name in imports(module))
    ]
    assert users == ["components/network.py"]


def test_no_component_calls_aws_or_asks_which_stack_it_is_in() -> None:
    for module in modules("components"):
        names = set(imports(module))
        assert not names & {"boto3", "botocore"}, module
        calls = {
            node.attr
            for node in ast.walk(ast.parse(module.read_text()))
            if isinstance(node, ast.Attribute)
        }
        assert not calls & {"get_stack", "get_project", "Config"}, module
