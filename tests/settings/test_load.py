"""Reading a stack's configuration: what Pulumi hands over, and what is no settings at all."""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import boto3
import pulumi
import pytest
from pulumi.runtime import set_all_config

import settings
from settings.regions import REGIONS
from tests.settings.stack_files import FILES, REMOVED, bent, encoded, parse, problems, refused

Result = TypeVar("Result")


@pytest.fixture(autouse=True)
def no_configuration_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS", "BACKLOT_CONFIG_FILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")


def within(
    config: Mapping[str, str], run: Callable[[], Result], secret_keys: tuple[str, ...] = ()
) -> Result:
    """Run with a Pulumi configuration of its own, so that none leaks into another test."""

    def configured() -> Result:
        set_all_config(dict(config), list(secret_keys))
        return run()

    return contextvars.copy_context().run(configured)


def test_load_reads_what_pulumi_holds() -> None:
    stack = within(encoded(FILES["dev"]), settings.load)

    assert stack == parse(FILES["dev"])
    assert (stack.stack, stack.region) == ("dev", "us-east-1")


def test_load_reads_what_the_environment_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(encoded(FILES["dev"])))

    assert within({}, settings.load) == parse(FILES["dev"])


def test_a_section_left_out_takes_its_default() -> None:
    stack = parse(bent("dev", {"secrets": REMOVED, "workers": REMOVED, "api.secrets": []}))

    assert (stack.secrets, stack.workers, stack.domain) == ({}, {}, None)


def test_a_message_begins_with_the_stacks_file() -> None:
    with pytest.raises(settings.SettingsError) as refusal:
        within(encoded(bent("dev", {"cache.nodes": 0})), settings.load)

    assert str(refusal.value) == (
        "Pulumi.dev.yaml: backlot:cache: nodes: 0 is too small; give a whole number, 1 to 6\n"
        "1 error in Pulumi.dev.yaml; nothing was changed"
    )


def test_a_message_begins_with_the_file_that_a_rehearsal_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BACKLOT_CONFIG_FILE", "examples/muejam/Pulumi.production.yaml")

    with pytest.raises(settings.SettingsError) as refusal:
        within(encoded(bent("dev", {"cache.nodes": 0})), settings.load)

    assert str(refusal.value).startswith("examples/muejam/Pulumi.production.yaml: backlot:cache: ")


def test_a_refusal_is_one_pulumi_prints_without_a_traceback() -> None:
    assert issubclass(settings.SettingsError, pulumi.RunError)


def test_every_error_is_reported_in_the_order_of_the_file_and_counted() -> None:
    change = {
        "budget.monthly_usd": 0,
        "network.nat": "double",
        "database.replicas": {"count": 2},
        "api.cpu": 300,
        "logs": REMOVED,
        **{f"queues.q{number}": {"max_receives": 0} for number in range(100)},
    }
    with pytest.raises(settings.SettingsError) as refusal:
        parse(bent("dev", change))

    *lines, last = str(refusal.value).splitlines()
    keys = [line.split(": ")[1] for line in lines]
    assert list(dict.fromkeys(keys)) == [
        "backlot:network",
        "backlot:logs",
        "backlot:database",
        "backlot:queues",
        "backlot:api",
        "backlot:budget",
    ]
    assert len(lines) == 105
    assert last == "105 errors in the-file.yaml; nothing was changed"


def test_a_stack_file_of_another_project_is_one_clear_message() -> None:
    [line] = problems({"otherproj:size": "3", "aws:region": "us-east-1"})

    assert line.startswith(
        "this stack file belongs to another project: it has keys of `otherproj:`. "
        "Needed, each as `backlot:`: platform, network, keys, "
    )


ASTRAY = "nobody reads this; settings live under backlot: whatever the project is called."


def test_a_section_under_the_projects_new_name_is_one_error_and_not_also_a_missing_one() -> None:
    config = bent("dev", {})
    config["acme:network"] = config.pop("backlot:network")
    config["acme:secrets"] = config.pop("backlot:secrets")
    config["backlot-secrets:openai"] = "hunter2"

    assert problems(config, secret_keys={"backlot-secrets:openai"}) == [
        f"acme:network: {ASTRAY} Write backlot:network",
        f"acme:secrets: {ASTRAY} Write backlot:secrets",
    ]


def test_a_stack_file_all_under_another_name_says_so_of_each_section_and_no_more() -> None:
    config = {key.replace("backlot:", "acme:"): value for key, value in FILES["dev"].items()}

    assert problems(config) == [
        f"{key}: {ASTRAY} Write {key.replace('acme:', 'backlot:')}"
        for key in sorted(config)
        if key.startswith("acme:")
    ]


def test_a_section_that_stands_twice_counts_under_our_name() -> None:
    assert problems({**FILES["dev"], "acme:budget": {"monthly_usd": 0}}) == [
        f"acme:budget: {ASTRAY} Remove it: backlot:budget stands as well"
    ]


def test_a_section_under_two_other_names_is_an_error_of_each() -> None:
    config = bent("dev", {})
    config["acme:network"] = config["zeta:network"] = config.pop("backlot:network")

    assert problems(config) == [
        f"acme:network: {ASTRAY} Write backlot:network",
        f"zeta:network: {ASTRAY} Write backlot:network",
    ]


def test_other_keys_of_other_names_are_let_through() -> None:
    foreign = {"acme:size": "3", "random:region": "x", "awsx:network": "x"}

    assert parse({**FILES["dev"], **foreign}) == parse(FILES["dev"])


def test_the_cache_runs_its_engines_own_version_unless_told() -> None:
    assert parse(bent("dev", {})).cache.engine_version == "8.0"
    assert parse(bent("dev", {"cache.engine": "redis"})).cache.engine_version == "7.1"


def test_a_stack_file_without_any_section_is_one_clear_message() -> None:
    [line] = problems({"aws:region": "us-east-1"})

    assert line.startswith("this stack file sets up nothing: it has no sections. Needed, each as")


def test_a_misspelt_section_is_one_error_and_not_also_a_missing_one() -> None:
    config = bent("dev", {})
    config["backlot:netwrok"] = config.pop("backlot:network")

    [line] = problems(config)

    assert line.startswith(
        "backlot:netwrok: unknown section; did you mean backlot:network? allowed: platform, "
        "network, "
    )


def test_a_misspelt_section_breaks_no_rule_by_its_absence() -> None:
    config = bent("production", {})
    config["backlot:secret"] = config.pop("backlot:secrets")
    config["backlot:domian"] = config.pop("backlot:domain")

    assert [line.partition("? ")[0] for line in problems(config)] == [
        "backlot:domian: unknown section; did you mean backlot:domain",
        "backlot:secret: unknown section; did you mean backlot:secrets",
    ]


def test_an_unknown_section_like_no_other_lists_the_known_ones() -> None:
    [line] = refused({"zzz": {}})

    assert line.startswith("backlot:zzz: unknown section; allowed: platform, network, keys, ")


def test_a_missing_section_says_what_it_holds_and_how_to_add_it() -> None:
    assert refused({"logs": REMOVED}) == [
        (
            "backlot:logs: missing section; add backlot:logs as a mapping with retention_days. "
            "How long log groups keep what they are told."
        )
    ]


def test_a_missing_mapping_of_names_shows_one() -> None:
    assert refused({"canary": {}}) == [
        (
            "backlot:canary: steps: missing; give a mapping, the name as the key, 1 to 7 entries, "
            "such as health: {path: /health}. In order; a step that fails ends the journey. Seven "
            "at their longest fill the 4 KB of variables that Synthetics takes."
        )
    ]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("5", '"5"'),
        ("yes", '"yes"'),
        ("[1]", "a list"),
        ("{", '"{"'),
        ("", "nothing"),
        ("null", "nothing"),
        ("x" * 90, f'"{"x" * 58}…'),
    ],
)
def test_a_section_that_is_no_mapping_is_an_error_of_that_section(given: str, shown: str) -> None:
    assert refused({"budget": given}) == [
        (
            f"backlot:budget: was given {shown}; give a mapping with monthly_usd. "
            "What the stack may cost."
        )
    ]


def test_what_was_given_cannot_break_a_line_or_steer_the_terminal() -> None:
    assert refused({"cache.engine\x1b[2J": 1, "cache.node_type": "a\nb\u2028"}) == [
        (
            'backlot:cache: node_type: "a\\nb\\u2028" does not fit; give an ElastiCache '
            "node type, cache. included, such as cache.t4g.medium"
        ),
        (
            "backlot:cache: engine\\x1b[2J: unknown key; did you mean engine? allowed: engine, "
            "engine_version, node_type, nodes, failover, multi_az, snapshot_days, snapshot_window, "
            "maintenance_window, max_memory_policy"
        ),
    ]


@pytest.mark.parametrize(
    ("region", "says"),
    [
        (None, "aws:region: missing; give one such as us-east-1"),
        ("frankfurt", 'aws:region: "frankfurt" is no AWS region; give one such as us-east-1'),
        ("us-eats-1", "aws:region: us-eats-1 is no AWS region; did you mean us-east-1?"),
        (
            "us-gov-west-1",
            (
                "aws:region: us-gov-west-1 is outside AWS's commercial regions; "
                "give one such as us-east-1"
            ),
        ),
    ],
)
def test_the_region_must_be_one(region: str | None, says: str) -> None:
    config = {key: value for key, value in FILES["dev"].items() if key != "aws:region"}
    if region:
        config["aws:region"] = region

    assert problems(config) == [says]


def test_the_regions_are_those_the_sdk_knows() -> None:
    assert set(boto3.Session().get_available_regions("ec2")) == set(REGIONS)


def test_a_section_kept_as_a_secret_is_refused_and_never_shown() -> None:
    config = bent("dev", {"budget.monthly_usd": "hunter2"})

    [line] = problems(config, secret_keys={"backlot:budget"})

    assert line == (
        "backlot:budget: holds a secret; settings are plain. "
        "Give third-party keys with `pulumi config set --secret backlot-secrets:<name>`"
    )


def test_load_knows_from_pulumi_which_keys_are_secret() -> None:
    with pytest.raises(settings.SettingsError, match="backlot:budget: holds a secret"):
        within(encoded(FILES["dev"]), settings.load, secret_keys=("backlot:budget",))


def test_a_third_party_key_in_plain_text_is_refused_and_never_shown() -> None:
    config = {**FILES["dev"], "backlot-secrets:openai": "hunter2"}

    [line] = problems(config)

    assert line == (
        "backlot-secrets:openai: stands in plain text; take the key out of use where it came from, "
        "then give its successor with `pulumi config set --secret backlot-secrets:openai`"
    )


def test_a_third_party_key_without_a_shell_is_refused() -> None:
    config = {**FILES["dev"], "backlot-secrets:opnai": "hunter2"}

    assert problems(config, secret_keys={"backlot-secrets:opnai"}) == [
        (
            "backlot-secrets:opnai: no such name in backlot:secrets; did you mean openai? "
            "known: anthropic, openai, replicate, suno, jwt"
        )
    ]


def test_third_party_keys_come_as_secret_outputs_and_only_when_given() -> None:
    config = {**encoded(FILES["dev"]), "backlot-secrets:openai": "hunter2"}

    async def read() -> dict[str, tuple[Any, bool]]:
        return {
            name: (await value.future(), await value.is_secret())
            for name, value in settings.secret_values().items()
        }

    values = within(config, lambda: asyncio.run(read()), ("backlot-secrets:openai",))

    assert values == {"openai": ("hunter2", True)}


def test_settings_hold_no_third_party_key() -> None:
    config = {**FILES["dev"], "backlot-secrets:openai": "hunter2"}

    assert "hunter2" not in repr(parse(config, secret_keys={"backlot-secrets:openai"}))
