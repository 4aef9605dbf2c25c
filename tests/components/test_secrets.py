"""Secrets: the shells, what fills them, and who may read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from components.access import Access
from components.secrets import Secrets, SecretsArgs
from settings.secrets import SecretSettings
from tests.components.parts import DATA_KEY, ground
from tests.recorder import Recorded, aws_provider, record, with_aws

SETTINGS: Mapping[str, SecretSettings] = {
    "openai": SecretSettings(environment="OPENAI_API_KEY"),
    "jwt": SecretSettings(environment="JWT_SECRET", store="ssm"),
}


def build(
    *,
    settings: Mapping[str, SecretSettings] = SETTINGS,
    data_key_arn: str | None = None,
    protect: bool = False,
    **args: Any,
) -> Secrets:
    stands_on = ground(data_key_arn=data_key_arn, protect=protect)
    return Secrets(
        "secrets",
        SecretsArgs(settings=settings, ground=stands_on, **args),
        with_aws(aws_provider()),
    )


def secrets(**args: Any) -> Recorded:
    return record(lambda: build(**args))


def access(*names: str, data_key_arn: str | None = None) -> tuple[Access, Recorded]:
    """What `names` hand out, with what is only known at the end as outputs of the recording."""
    made: list[Access] = []

    def program() -> None:
        handed = build(data_key_arn=data_key_arn).access(names)
        made.append(handed)
        pulumi.export("from", {one.environment: one.value_from for one in handed.secrets})
        pulumi.export(
            "read", {one.environment: [s.rendered() for s in one.read] for one in handed.secrets}
        )

    recorded = record(program)
    return made[0], recorded


def test_a_secret_stands_in_secrets_manager_below_api_keys():  # M82
    recorded = secrets()
    secret = recorded.one("secretsmanager.Secret")

    assert secret.name == "secrets-openai"
    assert secret["name"] == "backlot-dev/api-keys/openai"


def test_or_in_ssm_as_a_secure_string():  # M83
    parameter = secrets().one("ssm.Parameter")

    assert parameter.name == "secrets-jwt"
    assert parameter["name"] == "/backlot-dev/api-keys/jwt"
    assert parameter["type"] == "SecureString"


def test_a_shell_holds_a_placeholder_that_people_replace_for_good():  # M82
    recorded = secrets()
    version = recorded.one("secretsmanager.SecretVersion")
    parameter = recorded.one("ssm.Parameter")

    assert version.ignore_changes == ["secret_string"]
    assert parameter.ignore_changes == ["value"]
    assert version["secret_string"] == parameter["value"] == "unset"


def test_a_value_the_stack_keeps_is_followed_and_never_shown():  # M82
    def program() -> None:
        build(values={key: pulumi.Output.from_input(f"sk-{key}-12345") for key in SETTINGS})

    recorded = record(program)
    version = recorded.one("secretsmanager.SecretVersion")
    parameter = recorded.one("ssm.Parameter")

    assert version["secret_string"] == "sk-openai-12345"
    assert parameter["value"] == "sk-jwt-12345"
    assert version.ignore_changes == parameter.ignore_changes == []
    assert version.secret_inputs == ["secret_string"]
    assert parameter.secret_inputs == ["value"]
    assert "sk-" not in recorded.graph.write()


def test_secrets_are_encrypted_under_the_data_key_where_there_is_one():
    recorded = secrets(data_key_arn=DATA_KEY)
    without = secrets()

    assert recorded.one("secretsmanager.Secret")["kms_key_id"] == DATA_KEY
    assert recorded.one("ssm.Parameter")["key_id"] == DATA_KEY
    assert "kms_key_id" not in without.one("secretsmanager.Secret")
    assert "key_id" not in without.one("ssm.Parameter")


@pytest.mark.parametrize(("protect", "days"), [(True, 30), (False, 0)])
def test_a_deleted_secret_of_a_protected_stack_can_be_called_back(protect: bool, days: int):
    secret = secrets(protect=protect).one("secretsmanager.Secret")

    assert secret["recovery_window_in_days"] == days


def test_a_container_is_handed_references_and_no_value():  # M32
    handed, recorded = access("openai", "jwt")

    assert recorded.outputs["from"] == {
        "OPENAI_API_KEY": recorded.one("secretsmanager.Secret").outputs["arn"],
        "JWT_SECRET": recorded.one("ssm.Parameter").outputs["arn"],
    }
    assert handed.environment == {}
    assert handed.statements == ()
    assert handed.paths == ()


def test_only_the_secrets_named_are_handed_out():  # M32
    handed, _ = access("jwt")

    assert [secret.environment for secret in handed.secrets] == ["JWT_SECRET"]


def test_each_secret_is_read_by_its_own_arn():  # M85
    _, recorded = access("openai", "jwt")

    assert recorded.outputs["read"] == {
        "OPENAI_API_KEY": [
            {
                "Sid": "ReadApiKeyOpenai",
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue"],
                "Resource": [recorded.one("secretsmanager.Secret").outputs["arn"]],
            }
        ],
        "JWT_SECRET": [
            {
                "Sid": "ReadApiKeyJwt",
                "Effect": "Allow",
                "Action": ["ssm:GetParameters"],
                "Resource": [recorded.one("ssm.Parameter").outputs["arn"]],
            }
        ],
    }


def test_the_data_key_opens_what_it_closed():
    _, recorded = access("openai", "jwt", data_key_arn=DATA_KEY)

    for statements in recorded.outputs["read"].values():
        assert statements[1] == {
            "Sid": "DecryptApiKeys",
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": [DATA_KEY],
        }


def test_a_secret_nobody_named_is_an_error():
    def program() -> None:
        with pytest.raises(KeyError, match="suno"):
            build().access(["suno"])

    record(program)


def test_a_stack_without_secrets_has_none():
    assert [node for node in secrets(settings={}).nodes if node.type.startswith("aws:")] == []


def test_everything_hangs_below_the_component():
    recorded = secrets()
    component = recorded.one("backlot:secrets:Secrets")

    assert {node.parent for node in recorded.nodes if node.type.startswith("aws:")} == {
        component.urn
    }
    assert set(component.outputs["arns"]) == {"openai", "jwt"}
