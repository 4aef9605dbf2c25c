"""The registry: repositories, how long images stay, and what an image is called."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.registry import Registry, RegistryArgs, pull_images
from settings.registry import RegistrySettings
from tests.components.parts import DATA_KEY, ground
from tests.recorder import Recorded, aws_provider, record, with_aws

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
DIGEST = "sha256:" + "a" * 64


def build(*, data_key_arn: str | None = None, **settings: Any) -> Registry:
    given = {"repositories": ("api", "worker"), "force_delete": False, **settings}
    return Registry(
        "registry",
        RegistryArgs(settings=RegistrySettings(**given), ground=ground(data_key_arn=data_key_arn)),
        with_aws(aws_provider()),
    )


def registry(*, data_key_arn: str | None = None, **settings: Any) -> Recorded:
    return record(lambda: build(data_key_arn=data_key_arn, **settings))


def test_every_image_has_a_repository_below_the_prefix():  # M111
    assert [repository["name"] for repository in registry().all("ecr.Repository")] == [
        "backlot-dev/api",
        "backlot-dev/worker",
    ]


def test_a_tag_never_moves():  # B52
    for repository in registry().all("ecr.Repository"):
        assert repository["image_tag_mutability"] == "IMMUTABLE"
        assert "image_tag_mutability_exclusion_filters" not in repository


def test_every_push_is_scanned():  # M112
    for repository in registry().all("ecr.Repository"):
        assert repository["image_scanning_configuration"] == {"scan_on_push": True}


def test_images_are_encrypted_under_the_data_key_where_there_is_one():
    with_key = registry(data_key_arn=DATA_KEY).one("ecr.Repository", "registry-api")
    without = registry().one("ecr.Repository", "registry-api")

    assert with_key["encryption_configurations"] == [
        {"encryption_type": "KMS", "kms_key": DATA_KEY}
    ]
    assert without["encryption_configurations"] == [{"encryption_type": "AES256"}]


def test_nobody_outside_the_account_may_pull():
    assert registry().all("ecr.RepositoryPolicy") == []


def test_untagged_images_go_and_the_newest_tagged_stay():  # M111
    untagged, tagged = (
        registry(keep_images=12).one("ecr.LifecyclePolicy", "registry-api").json("policy")["rules"]
    )

    assert untagged["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 7,
    }
    assert tagged["selection"] == {
        "tagStatus": "tagged",
        "tagPatternList": ["*"],
        "countType": "imageCountMoreThan",
        "countNumber": 12,
    }
    assert untagged["rulePriority"] < tagged["rulePriority"]
    assert untagged["action"] == tagged["action"] == {"type": "expire"}


def test_a_lifecycle_belongs_to_each_repository():
    policies = registry().all("ecr.LifecyclePolicy")

    assert [policy["repository"] for policy in policies] == [
        "backlot-dev/api",
        "backlot-dev/worker",
    ]


@pytest.mark.parametrize("force_delete", [True, False])
def test_a_repository_with_images_is_deleted_only_when_told_to(force_delete: bool):
    repository = registry(force_delete=force_delete).one("ecr.Repository", "registry-api")

    assert repository["force_delete"] is force_delete


@pytest.mark.parametrize(
    ("reference", "uri"),
    [
        ("api:1.0.0", f"{HOST}/backlot-dev/api:1.0.0"),
        (f"worker@{DIGEST}", f"{HOST}/backlot-dev/worker@{DIGEST}"),
        ("public.ecr.aws/nginx/nginx:1.29", "public.ecr.aws/nginx/nginx:1.29"),
        ("localhost:5000/api:1", "localhost:5000/api:1"),
    ],
)
def test_our_own_images_get_their_uri_and_full_ones_stay(reference: str, uri: str):
    recorded = record(lambda: pulumi.export("uri", build().image(reference)))

    assert recorded.outputs["uri"] == uri


def test_an_image_of_a_repository_we_do_not_have_is_refused():
    def program() -> None:
        with pytest.raises(ValueError, match=r"image sdk:1: no repository sdk; there are api, wor"):
            build().image("sdk:1")

    record(program)


def test_a_repository_more_leaves_the_others_as_they_are():
    assert set(registry(repositories=("worker",)).urns) < set(registry().urns)


def test_the_component_hands_out_the_urls():
    recorded = registry()
    component = recorded.one("backlot:registry:Registry")

    assert component.outputs["repository_urls"] == {
        "api": f"{HOST}/backlot-dev/api",
        "worker": f"{HOST}/backlot-dev/worker",
    }
    assert {node.parent for node in recorded.nodes if node.type.startswith("aws:")} == {
        component.urn
    }


def pulled(image: pulumi.Input[str] | None) -> dict[str, list[pulumi.Input[str]]]:
    return {one.sid: list(one.resources) for one in pull_images(image, ground())}


def test_an_image_of_ours_opens_the_stacks_repositories_and_no_other():  # M85
    def program() -> None:
        statements = pull_images(build().image("api:1.0.0"), ground())
        pulumi.export("opened", {one.sid: list(one.resources) for one in statements})

    assert record(program).outputs["opened"] == {
        "LogInToRegistry": ["*"],
        "PullImages": ["arn:aws:ecr:us-east-1:123456789012:repository/backlot-dev/*"],
    }


@pytest.mark.parametrize("version", [":1.0.0", f"@{DIGEST}", ""])
def test_an_image_of_another_account_opens_its_repository_alone(version: str):  # M85
    image = f"210987654321.dkr.ecr.eu-west-1.amazonaws.com/shared/api{version}"

    assert pulled(image) == {
        "LogInToRegistry": ["*"],
        "PullImages": ["arn:aws:ecr:eu-west-1:210987654321:repository/shared/api"],
    }


@pytest.mark.parametrize("image", [None, "docker.io/library/nginx:1.29", "public.ecr.aws/a/b:1"])
def test_what_is_not_pulled_from_ecr_opens_nothing(image: str | None):  # M85
    assert pulled(image) == {}
