"""What an application's workflow may do: bring its images, its site and its installers."""

from __future__ import annotations

from .deploying import ENVIRONMENT_TAG
from .place import Place
from .policies import Statement


def release(place: Place, environment: str) -> tuple[Statement, ...]:
    """Push images by digest, publish the site and the installers, and refresh what CloudFront has.

    It starts nothing: an image runs once the stack names its digest, which is the deploy role's.
    """
    prefix = place.prefix(environment)
    published = [f"arn:aws:s3:::{prefix}-{purpose}-*" for purpose in ("static", "releases")]
    backups = f"arn:aws:s3:::{prefix}-backups-*"
    return (
        Statement(
            sid="LogIn",
            actions=["ecr:GetAuthorizationToken"],
            resources=["*"],
            why="it takes no resource",
        ),
        Statement(
            sid="PushImages",
            actions=[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:DescribeImageScanFindings",
                "ecr:DescribeImages",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            resources=[place.arn("ecr", f"repository/{prefix}/*")],
        ),
        Statement(
            sid="ListPublished",
            actions=["s3:ListBucket"],
            resources=[*published, backups],
        ),
        Statement(
            sid="Publish",
            actions=["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            resources=[f"{bucket}/*" for bucket in published],
        ),
        # The build that was live, before the next one is. Nothing of it can be taken back.
        Statement(
            sid="BackUp",
            actions=["s3:PutObject"],
            resources=[f"{backups}/site/*"],
        ),
        Statement(
            sid="SealObjects",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[place.arn("kms", "key/*")],
            conditions={
                "StringEquals": {f"aws:ResourceTag/{ENVIRONMENT_TAG}": environment},
                "StringLike": {"kms:ViaService": "s3.*.amazonaws.com"},
            },
        ),
        Statement(
            sid="Refresh",
            actions=["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"],
            resources=[place.global_arn("cloudfront", "distribution/*")],
            conditions={"StringEquals": {f"aws:ResourceTag/{ENVIRONMENT_TAG}": environment}},
        ),
        Statement(
            sid="FindDistributions",
            actions=["cloudfront:ListDistributions"],
            resources=["*"],
            why="it takes no resource",
        ),
    )
