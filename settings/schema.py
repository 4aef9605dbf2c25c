"""The JSON Schema of a stack file, for editors: `python -m settings.schema [--check]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from settings.errors import SECRETS_NAMESPACE
from settings.load import NAMESPACE, NOT_SECTIONS, READ_NAMESPACES, REGION_KEY, SECTIONS
from settings.regions import REGIONS
from settings.stack import Settings

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "schema" / "stack.schema.json"


def stack_schema() -> dict[str, Any]:
    """A whole `Pulumi.<stack>.yaml`: Pulumi's own keys, and `config` with a key per section.

    Draft 7, which is the newest that editors' YAML servers read in full. It knows single values;
    what holds between them (`settings.invariants`) is checked when the program loads.
    """
    settings = _for_editors(Settings.model_json_schema())
    properties = settings["properties"]
    sections = {
        f"{NAMESPACE}:{name}": _without_null(node)
        for name, node in properties.items()
        if name not in NOT_SECTIONS
    }
    config = {
        "type": "object",
        "description": "Settings, a mapping per section, and what Pulumi's providers read.",
        "properties": {
            REGION_KEY: {
                "type": "string",
                "enum": list(REGIONS),
                "description": "Where the stack stands.",
            },
            "pulumi:disable-default-providers": {
                "type": "array",
                "items": {"type": "string"},
                "description": "[aws]: a resource without the stack's own provider is an error.",
            },
            **sections,
        },
        "patternProperties": {
            f"^{NAMESPACE}:(?!({'|'.join(key.partition(':')[2] for key in sections)})$)": False,
            f"^(?!({'|'.join(READ_NAMESPACES)}):)[^:]+:({'|'.join(SECTIONS)})$": False,
            f"^{SECRETS_NAMESPACE}:": {
                "type": "object",
                "properties": {"secure": {"type": "string"}},
                "required": ["secure"],
                "additionalProperties": False,
                "description": "A third-party key; `pulumi config set --secret` writes it.",
            },
        },
        "required": [
            REGION_KEY,
            *(f"{NAMESPACE}:{name}" for name in settings["required"] if name not in NOT_SECTIONS),
        ],
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A stack of Backlot",
        "type": "object",
        "properties": {
            "config": config,
            "environment": {
                "type": ["array", "object"],
                "description": "Pulumi ESC environments that the stack imports.",
            },
            "secretsprovider": {"type": "string", "description": "What encrypts secret values."},
            "encryptedkey": {"type": "string", "description": "Its data key. Pulumi writes it."},
            "encryptionsalt": {"type": "string", "description": "Its salt. Pulumi writes it."},
        },
        "required": ["config"],
        "additionalProperties": False,
        "$defs": settings["$defs"],
    }


def _for_editors(node: Any) -> Any:
    """Drop the titles pydantic makes of names, and close mappings to keys of another form."""
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_for_editors(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    kept = {
        key: _for_editors(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }
    if "patternProperties" in kept:
        kept["additionalProperties"] = False
    if "discriminator" in kept:
        return _told_apart(kept)
    return kept


def _told_apart(union: Mapping[str, Any]) -> dict[str, Any]:
    """A union by one key, as conditions: editors then mark what is wrong, not all of the block."""
    key, branches = union["discriminator"]["propertyName"], union["discriminator"]["mapping"]
    rest = {name: value for name, value in union.items() if name not in ("discriminator", "oneOf")}
    return {
        **rest,
        "type": "object",
        "required": [key],
        "properties": {key: {"enum": list(branches)}},
        "allOf": [
            {"if": {"properties": {key: {"const": word}}}, "then": {"$ref": branch}}
            for word, branch in branches.items()
        ],
    }


def _without_null(node: Mapping[str, Any]) -> dict[str, Any]:
    """An optional section is left out of the file, never given as nothing."""
    if "anyOf" not in node:
        return {key: value for key, value in node.items() if key != "default"}
    [given] = [branch for branch in node["anyOf"] if branch.get("type") != "null"]
    outer = {key: value for key, value in node.items() if key not in ("anyOf", "default")}
    return {**outer, **given}


def rendered() -> str:
    return json.dumps(stack_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the schema, or with `--check` only compare. Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m settings.schema", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when the file is stale")
    check = parser.parse_args(arguments).check
    name = f"{SCHEMA_FILE.parent.name}/{SCHEMA_FILE.name}"
    standing = SCHEMA_FILE.read_text(encoding="utf-8") if SCHEMA_FILE.exists() else None
    if standing == rendered():
        sys.stdout.write(f"{name} agrees with the settings\n")
        return 0
    if check:
        sys.stderr.write(f"{name} is behind the settings; run `make schema` and commit it\n")
        return 1
    SCHEMA_FILE.parent.mkdir(parents=True, exist_ok=True)
    SCHEMA_FILE.write_text(rendered(), encoding="utf-8")
    sys.stdout.write(f"wrote {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
