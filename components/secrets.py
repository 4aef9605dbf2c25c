"""Secrets: a shell for each third-party key, which people fill and containers read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.access import Access
from components.containers import ContainerSecret
from components.grants import Statement, key_grant
from components.ground import Ground
from components.naming import physical_name
from settings.secrets import SecretSettings

PATH = "api-keys"
"""Where the secrets of a stack stand: `<prefix>/api-keys/<name>` (M82)."""

UNSET = "unset"
"""What a shell holds until somebody fills it; ECS cannot start a task on a secret with no value."""

RECOVERY_DAYS = 30
"""How long a deleted secret of a protected stack can be called back. Elsewhere it is gone at once,
and its name is free again."""


@dataclass(frozen=True, kw_only=True)
class SecretsArgs:
    settings: Mapping[str, SecretSettings]
    """By the secret's name: `openai`."""
    ground: Ground
    values: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """Values this stack keeps itself (`pulumi config set --secret`). The rest are filled by hand,
    and left as they are."""


class Secrets(pulumi.ComponentResource):
    """A secret in Secrets Manager, or a SecureString in SSM, per third-party key (M32, M82, M83).

    Fill a shell with `aws secretsmanager put-secret-value --secret-id <prefix>/api-keys/<name>`
    or `aws ssm put-parameter --overwrite --name /<prefix>/api-keys/<name>`; tasks that start from
    then on read the new value.

    Cost: 0.40 USD a month per secret in Secrets Manager and 0.05 USD per 10,000 reads; SSM
    parameters are free (us-east-1, 2026).
    """

    def __init__(
        self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:secrets:Secrets", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._secrets: dict[str, ContainerSecret] = {}
        arns: dict[str, pulumi.Output[str]] = {}
        for key, settings in args.settings.items():
            keep = _parameter if settings.store == "ssm" else _secret
            arns[key] = keep(f"{name}-{key}", key, args, child)
            self._secrets[key] = ContainerSecret(
                environment=settings.environment,
                value_from=arns[key],
                read=_read(key, settings, arns[key], args.ground.data_key_arn),
            )

        self.register_outputs({"arns": arns})

    def access(self, names: Sequence[str]) -> Access:
        """What a workload needs to read the secrets `names`. Raises KeyError for an unknown one."""
        return Access(secrets=[self._secrets[name] for name in names])


def _secret(
    name: str, key: str, args: SecretsArgs, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    secret = aws.secretsmanager.Secret(
        name,
        name=physical_name("secret", args.ground.prefix, PATH, key, separator="/"),
        kms_key_id=args.ground.data_key_arn,
        recovery_window_in_days=RECOVERY_DAYS if args.ground.protect else 0,
        opts=opts,
    )
    value, opts = _value(key, args.values, "secret_string", opts)
    version = aws.secretsmanager.SecretVersion(
        name, secret_id=secret.id, secret_string=value, opts=opts
    )
    # Through the version, so that no task starts before there is a value to read.
    return version.secret_arn


def _parameter(
    name: str, key: str, args: SecretsArgs, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    value, opts = _value(key, args.values, "value", opts)
    return aws.ssm.Parameter(
        name,
        name=physical_name("parameter", "", args.ground.prefix, PATH, key, separator="/"),
        type="SecureString",
        key_id=args.ground.data_key_arn,
        value=value,
        opts=opts,
    ).arn


def _value(
    key: str,
    values: Mapping[str, pulumi.Output[str]],
    property_name: str,
    opts: pulumi.ResourceOptions,
) -> tuple[pulumi.Input[str], pulumi.ResourceOptions]:
    """The value of `key`, and the options that keep its shell as people filled it."""
    if key in values:
        return values[key], opts
    filled_by_hand = pulumi.ResourceOptions(ignore_changes=[property_name])
    return UNSET, pulumi.ResourceOptions.merge(opts, filled_by_hand)


def _read(
    key: str,
    settings: SecretSettings,
    arn: pulumi.Output[str],
    key_arn: pulumi.Input[str] | None,
) -> tuple[Statement, ...]:
    action = "ssm:GetParameters" if settings.store == "ssm" else "secretsmanager:GetSecretValue"
    title = key.title().replace("-", "")
    read = Statement(sid=f"ReadApiKey{title}", actions=[action], resources=[arn])
    # One statement for all of them: they share the key.
    return (read, *key_grant("DecryptApiKeys", key_arn, "kms:Decrypt"))
