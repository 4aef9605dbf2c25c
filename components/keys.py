"""Keys: what encrypts the stack's data and its logs at rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.grants import resource_policy
from components.ground import GLOBAL_REGION, Place
from components.logs import Logs
from components.naming import physical_name
from settings.keys import KeysSettings
from settings.logs import LogsSettings

PUBLISHERS = ("budgets.amazonaws.com", "cloudwatch.amazonaws.com")
"""The services that report to the stack's topics; to an encrypted one they need its key as well."""
TELLERS = ("costalerts.amazonaws.com", "events.amazonaws.com", "events.rds.amazonaws.com")
"""Those that report too, and of which no page says that they tell KMS for whose account."""


@dataclass(frozen=True, kw_only=True)
class KeysArgs:
    settings: KeysSettings
    place: Place
    """Its prefix leads the aliases; people find a key by its alias."""


class Keys(pulumi.ComponentResource):
    """Customer-managed KMS keys for data and for logs, or none where AWS's own suffice (M84).

    A stack outside us-east-1 with an edge has one more key for logs there.

    Cost: 1 USD a month per key, and 1 USD more for each of its first two rotations; 0.03 USD per
    10,000 requests (us-east-1, 2026). Nothing with the keys AWS owns.
    """

    data_arn: pulumi.Output[str] | None
    """Database, cache, buckets, queues, secrets and image repositories. None: the keys AWS owns."""
    logs_arn: pulumi.Output[str] | None
    """Log groups and notices. None: the keys AWS owns."""
    logs_arns_elsewhere: Mapping[str, pulumi.Output[str]]
    """The same in other regions, by region; empty without an edge."""

    def __init__(
        self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:keys:Keys", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        own = args.place.region
        elsewhere: dict[str, pulumi.Output[str]] = {}
        self.data_arn = None
        self.logs_arn = None
        if args.settings.customer_managed:
            data = customer_key(f"{name}-data", "data", args, _users_of_data(args.place), child)
            users = _users_of_logs(args.place, own)
            logs = customer_key(f"{name}-logs", "logs", args, users, child)
            self.data_arn = data.arn
            self.logs_arn = logs.arn
            if args.place.edge and own != GLOBAL_REGION:
                users = _users_of_logs(args.place, GLOBAL_REGION)
                edge = customer_key(
                    f"{name}-edge-logs", "logs", args, users, child, region=GLOBAL_REGION
                )
                elsewhere[GLOBAL_REGION] = edge.arn

        self._region = own
        self._prefix = args.place.prefix
        self.logs_arns_elsewhere = elsewhere
        self.register_outputs(
            {
                "customer_managed": args.settings.customer_managed,
                "data_arn": self.data_arn,
                "logs_arn": self.logs_arn,
                "logs_arns_elsewhere": elsewhere or None,
            }
        )

    def logs(self, settings: LogsSettings) -> Logs:
        """How the stack keeps logs, encrypted with these keys."""
        return Logs(
            settings=settings,
            prefix=self._prefix,
            key_arn=self.logs_arn,
            key_arns_elsewhere=self.logs_arns_elsewhere,
        )

    def logs_arn_in(self, region: str) -> pulumi.Output[str] | None:
        """The key for log groups and notices of `region`. None: the keys AWS owns.

        Raises ValueError when keys are the customer's, and none is there.
        """
        if self.logs_arn is None or region == self._region:
            return self.logs_arn
        if region not in self.logs_arns_elsewhere:
            there = ", ".join((self._region, *self.logs_arns_elsewhere))
            raise ValueError(
                f"no key for logs in {region}, only in {there}; "
                f"a place with an edge has one in {GLOBAL_REGION}"
            )
        return self.logs_arns_elsewhere[region]


def customer_key(
    name: str,
    what: str,
    args: KeysArgs,
    users: Iterable[Mapping[str, Any]],
    opts: pulumi.ResourceOptions,
    *,
    region: str | None = None,
) -> aws.kms.Key:
    """A key with its alias, for `users` beside those whom their own roles let in."""
    key = aws.kms.Key(
        name,
        description=f"{args.place.prefix} {what}",
        enable_key_rotation=True,
        rotation_period_in_days=args.settings.rotation_days,
        deletion_window_in_days=args.settings.deletion_days,
        policy=resource_policy([_leave_to_iam(args.place), *users]),
        region=region,
        opts=opts,
    )
    aws.kms.Alias(
        name,
        name=physical_name("key_alias", f"alias/{args.place.prefix}", what),
        target_key_id=key.key_id,
        region=region,
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
    """CloudFront, for the distributions of this account.

    It says for which distribution it asks. To name the one would be a circle: the bucket needs the
    key, the distribution the bucket, and the key's policy the distribution.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
    """
    distributions = pulumi.Output.concat(
        "arn:aws:cloudfront::", place.account_id, ":distribution/*"
    )
    return (
        {
            "Sid": "ServeEncryptedObjects",
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"ArnLike": {"aws:SourceArn": distributions}},
        },
    )


def _users_of_logs(place: Place, region: str) -> tuple[dict[str, Any], ...]:
    """CloudWatch Logs for this account's groups, whoever reports to an encrypted topic, and
    CloudTrail for the stack's trail, which is where the stack is.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    log_groups = pulumi.Output.concat(
        "arn:aws:logs:", region, ":", place.account_id, ":log-group:*"
    )
    topics = pulumi.Output.concat(
        "arn:aws:sns:", region, ":", place.account_id, ":", place.prefix, "-*"
    )
    return (
        {
            "Sid": "EncryptLogGroups",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{region}.amazonaws.com"},
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
        {
            "Sid": "PublishEvents",
            "Effect": "Allow",
            "Principal": {"Service": list(TELLERS)},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            # EventBridge's source cannot be demanded here, as SNS says itself. But what SNS
            # encrypts for a topic it encrypts in that topic's name.
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:sns:topicArn": topics}},
        },
        *(_trail_encrypts(place) if region == place.region else ()),
    )


def _trail_encrypts(place: Place) -> tuple[dict[str, Any], ...]:
    return (
        {
            "Sid": "EncryptTrail",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": ["kms:DescribeKey", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceArn": place.trail_arn}},
        },
    )
