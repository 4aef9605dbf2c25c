"""How a store tells its users where it is and how they get in: a secret that containers mount."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.containers import ContainerSecret
from components.grants import Statement
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
    """The secret `<prefix>/<store>` with its first version.

    `rotated` leaves every later version to a rotation function. Cost: 0.40 USD a month.
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
        f"{name}-version",
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

    `title` names the statements that let it be read; secrets of one title share them.
    """
    read = [
        Statement(
            sid=f"Read{title}",
            actions=["secretsmanager:GetSecretValue"],
            resources=[secret_arn],
        )
    ]
    if ground.data_key_arn is not None:
        read.append(
            Statement(
                sid=f"Decrypt{title}", actions=["kms:Decrypt"], resources=[ground.data_key_arn]
            )
        )
    value_from = secret_arn if key is None else pulumi.Output.concat(secret_arn, f":{key}::")
    return ContainerSecret(environment=environment, value_from=value_from, read=read)
