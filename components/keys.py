"""Keys: what encrypts the stack's data and its logs at rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.grants import resource_policy
from components.ground import Place
from components.naming import physical_name
from settings.keys import KeysSettings

PUBLISHERS = ("budgets.amazonaws.com", "cloudwatch.amazonaws.com")
"""The services that report to the stack's topics; to an encrypted one they need its key as well."""


@dataclass(frozen=True, kw_only=True)
class KeysArgs:
    settings: KeysSettings
    place: Place
    """Its prefix leads the aliases; people find a key by its alias."""


class Keys(pulumi.ComponentResource):
    """Customer-managed KMS keys for data and for logs, or none where AWS's own suffice (M84).

    Cost: 1 USD a month per key, and 1 USD more for each of its first two rotations; 0.03 USD per
    10,000 requests (us-east-1, 2026). Nothing with the keys AWS owns.
    """

    data_arn: pulumi.Output[str] | None
    """Database, cache, buckets, queues, secrets and image repositories. None: the keys AWS owns."""
    logs_arn: pulumi.Output[str] | None
    """Log groups and notices. None: the keys AWS owns."""

    def __init__(
        self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:keys:Keys", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.data_arn = None
        self.logs_arn = None
        if args.settings.customer_managed:
            data = _key(f"{name}-data", "data", args, _users_of_data(args.place), child)
            logs = _key(f"{name}-logs", "logs", args, _users_of_logs(args.place), child)
            self.data_arn = data.arn
            self.logs_arn = logs.arn

        self.register_outputs(
            {
                "customer_managed": args.settings.customer_managed,
                "data_arn": self.data_arn,
                "logs_arn": self.logs_arn,
            }
        )


def _key(
    name: str,
    what: str,
    args: KeysArgs,
    users: Iterable[Mapping[str, Any]],
    opts: pulumi.ResourceOptions,
) -> aws.kms.Key:
    key = aws.kms.Key(
        name,
        description=f"{args.place.prefix} {what}",
        enable_key_rotation=True,
        rotation_period_in_days=args.settings.rotation_days,
        deletion_window_in_days=args.settings.deletion_days,
        policy=resource_policy([_leave_to_iam(args.place), *users]),
        opts=opts,
    )
    aws.kms.Alias(
        name,
        name=physical_name("key_alias", f"alias/{args.place.prefix}", what),
        target_key_id=key.key_id,
        opts=opts,
    )
    return key


def _leave_to_iam(place: Place) -> dict[str, Any]:
    # Without it nobody could ever change the key again, and no role's grant of it would count.
    return {
        "Sid": "LeaveToIam",
        "Effect": "Allow",
        "Principal": {"AWS": pulumi.Output.concat("arn:aws:iam::", place.account_id, ":root")},
        "Action": "kms:*",
        "Resource": "*",
    }


def _users_of_data(place: Place) -> tuple[dict[str, Any], ...]:
    return (
        {
            "Sid": "ServeEncryptedObjects",
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": place.account_id}},
        },
    )


def _users_of_logs(place: Place) -> tuple[dict[str, Any], ...]:
    """CloudWatch Logs for this account's groups, and whoever reports to an encrypted topic.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    log_groups = pulumi.Output.concat(
        "arn:aws:logs:", place.region, ":", place.account_id, ":log-group:*"
    )
    return (
        {
            "Sid": "EncryptLogGroups",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{place.region}.amazonaws.com"},
            "Action": [
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey*",
                "kms:ReEncrypt*",
            ],
            "Resource": "*",
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
        },
        {
            "Sid": "PublishNotices",
            "Effect": "Allow",
            "Principal": {"Service": list(PUBLISHERS)},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": place.account_id}},
        },
    )
