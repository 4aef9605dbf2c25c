"""What a preview and an operator may see: how everything is set up, and nothing of what is in it.

Not AWS's ReadOnlyAccess: that reads objects, messages, items, log lines and plain parameters in
every service there is, and grows by AWS's decision.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from .policies import Statement

SERVICES: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(
        (
            "acm", "application-autoscaling", "backup", "chatbot", "cloudfront", "cloudtrail",
            "cloudwatch", "cognito-idp", "ec2", "ecr", "ecs", "events", "guardduty", "inspector2",
            "kms", "logs", "securityhub", "synthetics", "tag",
            "wafv2",
        ),
        ("Describe*", "Get*", "List*"),
    ),
    **dict.fromkeys(("autoscaling", "elasticloadbalancing"), ("Describe*", "Get*")),
    **dict.fromkeys(
        ("cloudformation", "elasticache", "elasticbeanstalk", "firehose", "rds"),
        ("Describe*", "List*"),
    ),
    **dict.fromkeys(
        (
            "access-analyzer", "iam", "lambda", "route53", "scheduler", "servicequotas", "sns",
            "sqs", "xray",
        ),
        ("Get*", "List*"),
    ),
    "apigateway": ("GET",),
    "budgets": ("List*", "View*"),
    "ce": ("GetAnomal*", "List*"),
    # Of these three, `Get*` would hand out objects, secrets and parameters.
    "s3": ("Get*Configuration", "GetAccountPublicAccessBlock", "GetBucket*", "List*"),
    "secretsmanager": ("Describe*", "GetResourcePolicy", "List*"),
    "ssm": ("Describe*", "GetDocument", "List*"),
    "sts": ("GetCallerIdentity",),
}  # fmt: skip
"""Service to the actions that say how things are set up: those of the platform, and no other."""

DATA = (
    "cloudformation:GetTemplate",
    "cloudtrail:GetQueryResults",
    "cognito-idp:AdminGet*",
    "cognito-idp:AdminList*",
    "cognito-idp:GetUser",
    "cognito-idp:GetUserA*",
    "cognito-idp:ListUsers*",
    "dynamodb:*Get*",
    "dynamodb:*Query*",
    "dynamodb:PartiQL*",
    "dynamodb:Scan",
    "ec2:GetConsole*",
    "ec2:GetPasswordData",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "kinesis:GetRecords",
    "lambda:InvokeFunction*",
    "logs:FilterLogEvents",
    "logs:Get*Events",
    "logs:GetLogRecord",
    "logs:GetQueryResults",
    "logs:StartLiveTail",
    "logs:StartQuery",
    "logs:Unmask",
    "rds-data:*",
    "rds-db:connect",
    "rds:Download*",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "sqs:ReceiveMessage",
    "ssm:GetParameterHistory",
    "ssm:GetParametersByPath",
    "sts:GetSessionToken",
    "xray:BatchGetTraces",
    "xray:GetTrace*",
)
"""What is in things: values, rows, messages, objects, log lines, screens and people."""

PUBLIC_PARAMETERS = "arn:aws:ssm:*::parameter/aws/service/*"
"""AWS's own, such as the id of the newest image. They are no account's."""


def look() -> tuple[Statement, ...]:
    """See how everything is set up."""
    actions = [f"{service}:{verb}" for service, verbs in SERVICES.items() for verb in verbs]
    return (
        Statement(
            sid="Look",
            actions=actions,
            resources=["*"],
            why="most of what lists or describes takes no resource, and tells no contents",
        ),
        Statement(
            sid="ReadPublicParameters",
            actions=["ssm:GetParameter", "ssm:GetParameters"],
            resources=[PUBLIC_PARAMETERS],
        ),
    )


def keep_off_data(
    objects: Sequence[str] = (), parameters: Sequence[str] = (), *, but: Collection[str] = ()
) -> tuple[Statement, ...]:
    """Refuse the contents, whatever else grants them: all of `DATA` but `but`.

    `objects` and `parameters` are the ARNs of those that may be read all the same.
    """
    return (
        Statement(
            sid="KeepOffData",
            effect="Deny",
            actions=[action for action in DATA if action not in but],
            resources=["*"],
        ),
        Statement(
            sid="KeepOffObjects",
            effect="Deny",
            actions=["s3:GetObject*"],
            resources=objects or ["*"],
            but_resources=bool(objects),
        ),
        Statement(
            sid="KeepOffParameters",
            effect="Deny",
            actions=["ssm:GetParameter", "ssm:GetParameters"],
            resources=[PUBLIC_PARAMETERS, *parameters],
            but_resources=True,
        ),
    )
