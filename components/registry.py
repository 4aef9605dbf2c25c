"""The registry: where the platform's own images are pushed to and pulled from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.grants import Statement
from components.ground import Ground, Place
from components.naming import physical_name
from settings.registry import RegistrySettings

PRIVATE = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^:@]+)")
"""Account, region and repository of an image in ECR.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html"""

UNTAGGED_DAYS = 7
"""An image loses its last tag, or never had one, when a push went wrong."""


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    settings: RegistrySettings
    ground: Ground


class Registry(pulumi.ComponentResource):
    """A private ECR repository per image, with tags that never move (M111, M112, B52).

    Each push is scanned for known vulnerabilities. Only the newest `keep_images` tagged images
    stay: what a stack may roll back to has to be among them.

    The repositories of a new stack are empty, and a service whose image cannot be pulled fails its
    first `pulumi up`. Make the registry alone, push, then bring up the rest:

        pulumi up --target '**:providers:aws::*' --target '**:Keys**' --target '**:Registry**'

    Cost: 0.10 USD per GB and month; pulls within the region are free (us-east-1, 2026).
    """

    repository_urls: Mapping[str, pulumi.Output[str]]
    """By the repository's name in the settings."""

    def __init__(
        self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:registry:Registry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        urls: dict[str, pulumi.Output[str]] = {}
        for repository in args.settings.repositories:
            made = _repository(f"{name}-{repository}", repository, args, child)
            _expire(f"{name}-{repository}", made, args.settings.keep_images, child)
            urls[repository] = made.repository_url

        self.repository_urls = urls
        self.register_outputs({"repository_urls": dict(urls)})

    def image(self, reference: str) -> pulumi.Input[str]:
        """The full URI of `api:1.0.0` or `api@sha256:...`; one with a registry's host stays.

        Raises ValueError when it is of a repository that is not ours.
        """
        host, slash, _ = reference.partition("/")
        if slash and ("." in host or ":" in host):
            return reference
        repository = re.split("[:@]", reference, maxsplit=1)[0]
        if repository not in self.repository_urls:
            known = ", ".join(self.repository_urls)
            raise ValueError(f"image {reference}: no repository {repository}; there are {known}")
        return pulumi.Output.concat(
            self.repository_urls[repository], reference.removeprefix(repository)
        )


def pull_images(image: pulumi.Input[str] | None, place: Place) -> tuple[Statement, ...]:
    """What it takes to pull `image` from ECR; nothing for one from elsewhere, or for none.

    One of the stack's own, which is known once its repository is, opens the stack's other
    repositories too: what goes back to an earlier version may have had another image. One that is
    given by its whole URI opens its repository alone, in whatever account that is.
    """
    if image is None:
        return ()
    if not isinstance(image, str):
        repository = place.arn("ecr", f"repository/{place.prefix}/*")
    elif found := PRIVATE.match(image):
        account_id, region, name = found.groups()
        repository = f"arn:aws:ecr:{region}:{account_id}:repository/{name}"
    else:
        return ()
    return (
        Statement(
            sid="LogInToRegistry",
            actions=["ecr:GetAuthorizationToken"],
            # The login is to the registry of the account, and no repository can be named.
            resources=["*"],
        ),
        Statement(
            sid="PullImages",
            actions=[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            resources=[repository],
        ),
    )


def _repository(
    name: str, repository: str, args: RegistryArgs, opts: pulumi.ResourceOptions
) -> aws.ecr.Repository:
    key_arn = args.ground.data_key_arn
    return aws.ecr.Repository(
        name,
        name=physical_name("repository", args.ground.prefix, repository, separator="/"),
        image_tag_mutability="IMMUTABLE",
        image_scanning_configuration={"scan_on_push": True},
        encryption_configurations=[
            {"encryption_type": "AES256"}
            if key_arn is None
            else {"encryption_type": "KMS", "kms_key": key_arn}
        ],
        force_delete=args.settings.force_delete,
        opts=opts,
    )


def _expire(
    name: str, repository: aws.ecr.Repository, keep_images: int, opts: pulumi.ResourceOptions
) -> None:
    aws.ecr.LifecyclePolicy(
        name,
        repository=repository.name,
        policy=json.dumps(
            {
                "rules": [
                    {
                        "rulePriority": 1,
                        "description": f"Untagged images go after {UNTAGGED_DAYS} days",
                        "selection": {
                            "tagStatus": "untagged",
                            "countType": "sinceImagePushed",
                            "countUnit": "days",
                            "countNumber": UNTAGGED_DAYS,
                        },
                        "action": {"type": "expire"},
                    },
                    {
                        "rulePriority": 2,
                        "description": f"The newest {keep_images} tagged images stay",
                        "selection": {
                            "tagStatus": "tagged",
                            "tagPatternList": ["*"],
                            "countType": "imageCountMoreThan",
                            "countNumber": keep_images,
                        },
                        "action": {"type": "expire"},
                    },
                ]
            }
        ),
        opts=opts,
    )
