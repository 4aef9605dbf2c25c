"""How a store tells its users where it is and how they get in: a secret that containers mount."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.containers import ContainerSecret
from components.grants import Statement, key_grant
from components.ground import Ground
from components.naming import physical_name


def connection_secret(
    name: str,
    store: str,
    value: pulumi.Input[str],
    ground: Ground,
    opts: pulumi.ResourceOptions,
    *,
    rotated: bool = False,
) -> tuple[aws.secretsmanager.Secret, aws.secretsmanager.SecretVersion]:
    """The secret `<prefix>/<store>` with a version that holds `value`.

    `rotated` makes that a first version and leaves every later one to a rotation function. It has
    a name of its own, so that a store which begins to rotate writes it. Cost: 0.40 USD a month.
    """
    secret = aws.secretsmanager.Secret(
        name,
        name=physical_name("secret", ground.prefix, store, separator="/"),
        kms_key_id=ground.data_key_arn,
        # All in it can be made anew, and a name that waits to be deleted would stop the next stack
        # of this name.
        recovery_window_in_days=0,
        opts=opts,
    )
    version = aws.secretsmanager.SecretVersion(
        f"{name}-first-version" if rotated else f"{name}-version",
        secret_id=secret.id,
        secret_string=value,
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(ignore_changes=["secret_string"] if rotated else None)
        ),
    )
    return secret, version


def container_secret(
    environment: str,
    secret_arn: pulumi.Output[str],
    title: str,
    ground: Ground,
    *,
    key: str | None = None,
) -> ContainerSecret:
    """The secret, or its JSON field `key`, as the variable `environment`.

    Take the ARN of a secret of ours from its version (`version.secret_arn`): the version is written
    once the store stands, and no task can start before there is a value to read. `title` names the
    statements that let it be read; secrets of one title share them.
    """
    read = (
        Statement(
            sid=f"Read{title}",
            actions=["secretsmanager:GetSecretValue"],
            resources=[secret_arn],
        ),
        *key_grant(f"Decrypt{title}", ground.data_key_arn, "kms:Decrypt"),
    )
    value_from = secret_arn if key is None else pulumi.Output.concat(secret_arn, f":{key}::")
    return ContainerSecret(environment=environment, value_from=value_from, read=read)
