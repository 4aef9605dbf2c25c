"""The JSON Schema that editors complete and check stack files by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from settings import schema
from settings.load import SECTIONS
from tests.settings.stack_files import REMOVED, SHIPPED, STACKS, Change, bent

VALIDATOR = Draft7Validator(schema.stack_schema())


def complaints(file: Any) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(file)]


def test_the_schema_in_the_tree_is_the_settings_own() -> None:
    assert schema.main(["--check"]) == 0


def test_a_stale_schema_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "schema" / "stack.schema.json"
    monkeypatch.setattr(schema, "SCHEMA_FILE", file)

    assert schema.main(["--check"]) == 1
    assert capsys.readouterr().err == (
        "schema/stack.schema.json is behind the settings; run `make schema` and commit it\n"
    )
    assert schema.main([]) == 0
    assert schema.main(["--check"]) == 0
    assert json.loads(file.read_text(encoding="utf-8")) == schema.stack_schema()


def test_the_schema_is_one_that_validators_accept() -> None:
    Draft7Validator.check_schema(schema.stack_schema())


@pytest.mark.parametrize("stack", STACKS)
def test_the_shipped_stack_files_pass_and_name_it(stack: str) -> None:
    file = SHIPPED / f"Pulumi.{stack}.yaml"
    text = file.read_text(encoding="utf-8")

    assert complaints(yaml.safe_load(text)) == []
    first, _, _ = text.partition("\n")
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (file.parent / named).resolve() == schema.SCHEMA_FILE


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"network.nat": "double"}, "$.config['backlot:network'].nat"),
        ({"network.zones": ["a", "a"]}, "$.config['backlot:network'].zones"),
        ({"network.zones": ["a"]}, "$.config['backlot:network'].zones"),
        ({"database.multi_az": "yes"}, "$.config['backlot:database'].multi_az"),
        ({"database.backup_days": 36}, "$.config['backlot:database'].backup_days"),
        ({"database.backup_dys": 7}, "$.config['backlot:database']"),
        ({"budget.monthly_usd": REMOVED}, "$.config['backlot:budget']"),
        ({"queues.Render": {}}, "$.config['backlot:queues']"),
        ({"api.kind": "lambda"}, "$.config['backlot:api'].kind"),
        ({"workers.render.gpu_class": "80g"}, "$.config['backlot:workers'].render.gpu_class"),
        ({"logs": REMOVED}, "$.config"),
        ({"netwrok": {}}, "$.config"),
        ({"database.engine_version": "13"}, "$.config['backlot:database'].engine_version"),
    ],
)
def test_a_wrong_stack_file_is_marked_where_it_is_wrong(change: Change, path: str) -> None:
    assert complaints({"config": bent("dev", change)}) == [path]


def test_keys_of_providers_and_of_pulumi_itself_are_let_through() -> None:
    config = bent("dev", {})
    config["aws:profile"] = "studio-dev"
    config["backlot-secrets:openai"] = {"secure": "AAABAD"}

    assert complaints({"config": config, "encryptionsalt": "v1:", "environment": ["x"]}) == []


def test_a_section_under_another_name_and_a_region_that_is_none_are_marked() -> None:
    config = {**bent("dev", {}), "acme:network": {}, "aws:region": "us-eats-1"}

    assert sorted(complaints({"config": config})) == [
        "$.config",
        "$.config['aws:region']",
    ]


def test_a_third_party_key_in_plain_text_is_marked() -> None:
    config = bent("dev", {})
    config["backlot-secrets:openai"] = "hunter2"

    assert complaints({"config": config}) == ["$.config['backlot-secrets:openai']"]


def test_every_section_and_every_setting_says_what_it_is_for() -> None:
    whole = schema.stack_schema()
    config = whole["properties"]["config"]["properties"]
    assert [key for key in config if "description" not in config[key]] == []
    assert {f"backlot:{name}" for name in SECTIONS} <= config.keys()
    assert set(config) - {f"backlot:{name}" for name in SECTIONS} == {
        "aws:region",
        "pulumi:disable-default-providers",
    }
    undescribed = {
        f"{name}.{key}"
        for name, definition in whole["$defs"].items()
        for key, node in definition.get("properties", {}).items()
        if "description" not in node
    }
    assert undescribed == set()
