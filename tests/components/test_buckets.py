"""The buckets: components/stores/buckets.py."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.observe import Expression
from components.stores.buckets import Buckets, BucketsArgs
from settings.buckets import BucketsSettings
from tests.components.parts import DATA_KEY, described, export_watched, ground
from tests.recorder import Recorded, aws_provider, record, recorded_once, with_aws

PURPOSES = ("backups", "logs", "media", "static")


@recorded_once
def recorded_buckets(
    *,
    data_key_arn: str | None = None,
    protect: bool | None = None,
    served: bool = False,
    bundles: bool = False,
    **changes: Any,
) -> tuple[Buckets, Recorded]:
    made: list[Buckets] = []

    def program() -> None:
        buckets = Buckets(
            "buckets",
            BucketsArgs(
                settings=BucketsSettings.model_validate({"force_delete": False, **changes}),
                ground=ground(data_key_arn=data_key_arn),
                served=served,
                bundles=bundles,
            ),
            pulumi.ResourceOptions.merge(
                with_aws(aws_provider()), pulumi.ResourceOptions(protect=protect)
            ),
        )
        made.append(buckets)
        grants = {
            "read": buckets.media.grant_read("renders/*"),
            "write": buckets.media.grant_write("renders/*"),
            "read_write": buckets.media.grant_read_write(),
            "logs": buckets.logs.grant_read(),
            "access": buckets.media.access().statements,
        }
        for name, statements in grants.items():
            pulumi.export(name, [statement.rendered() for statement in statements])
        pulumi.export("environment", dict(buckets.media.access().environment))
        export_watched("alarms", {alarm.name: alarm.watch for alarm in buckets.alarms})
        pulumi.export(
            "panels",
            {
                panel.title: [described(metric) for metric in panel.metrics]
                for panel in buckets.panels
            },
        )

    recorded = record(program)
    return made[0], recorded


def rules(recorded: Recorded, purpose: str) -> dict[str, dict[str, Any]]:
    lifecycle = recorded.one("s3.BucketLifecycleConfiguration", f"buckets-{purpose}-lifecycle")
    assert all(rule["status"] == "Enabled" for rule in lifecycle["rules"])
    return {rule["id"]: rule for rule in lifecycle["rules"]}


def policy(recorded: Recorded, purpose: str) -> dict[str, dict[str, Any]]:
    document = recorded.one("s3.BucketPolicy", f"buckets-{purpose}-policy").json("policy")
    return {statement["Sid"]: statement for statement in document["Statement"]}


def arn(purpose: str) -> str:
    return f"arn:aws:s3:::backlot-dev-{purpose}-123456789012-us-east-1-an"


def test_each_purpose_has_its_bucket_in_the_accounts_own_namespace():  # M74, B42
    buckets, recorded = recorded_buckets()
    assert recorded.names("s3.Bucket") == [f"buckets-{purpose}" for purpose in PURPOSES]
    for purpose in PURPOSES:
        bucket = recorded.one("s3.Bucket", f"buckets-{purpose}")
        assert bucket["bucket"] == f"backlot-dev-{purpose}-123456789012-us-east-1-an"
        assert bucket["bucket_namespace"] == "account-regional"
    assert sorted(buckets.by_purpose) == list(PURPOSES)


def test_a_name_that_s3_would_refuse_is_refused_here():
    settings = BucketsSettings(force_delete=False)

    def program() -> None:
        from dataclasses import replace

        place = replace(ground(), prefix="a-platform-with-a-long-name-for-staging")
        args = BucketsArgs(settings=settings, ground=place, served=False)
        Buckets("buckets", args, with_aws(aws_provider()))

    with pytest.raises(AssertionError, match="at most 63 are allowed"):
        record(program)


def test_every_version_is_kept():  # M75
    _, recorded = recorded_buckets()
    versionings = recorded.all("s3.BucketVersioning")
    assert len(versionings) == 4
    for versioning in versionings:
        assert versioning["versioning_configuration"] == {"status": "Enabled"}


def test_objects_are_encrypted_with_the_stacks_key_and_one_data_key_per_bucket():  # M76
    _, recorded = recorded_buckets(data_key_arn=DATA_KEY)
    for purpose in ("backups", "media", "static"):
        [rule] = recorded.one(
            "s3.BucketServerSideEncryptionConfiguration", f"buckets-{purpose}-encryption"
        )["rules"]
        assert rule["apply_server_side_encryption_by_default"] == {
            "sse_algorithm": "aws:kms",
            "kms_master_key_id": DATA_KEY,
        }
        assert rule["bucket_key_enabled"] is True
        assert rule["blocked_encryption_types"] == ["SSE-C"]


@pytest.mark.parametrize(("key", "purposes"), [(DATA_KEY, ["logs"]), (None, list(PURPOSES))])
def test_without_a_key_s3_encrypts_and_the_log_bucket_never_has_one(key, purposes):  # M76
    _, recorded = recorded_buckets(data_key_arn=key)
    for purpose in purposes:
        [rule] = recorded.one(
            "s3.BucketServerSideEncryptionConfiguration", f"buckets-{purpose}-encryption"
        )["rules"]
        default = rule["apply_server_side_encryption_by_default"]
        assert default["sse_algorithm"] == "AES256"
        assert default.get("kms_master_key_id") is None


def test_nothing_is_public_and_the_account_owns_every_object():  # M77, B42
    _, recorded = recorded_buckets()
    for purpose in PURPOSES:
        block = recorded.one("s3.BucketPublicAccessBlock", f"buckets-{purpose}-access-block")
        assert block["block_public_acls"] is True
        assert block["block_public_policy"] is True
        assert block["ignore_public_acls"] is True
        assert block["restrict_public_buckets"] is True
        ownership = recorded.one("s3.BucketOwnershipControls", f"buckets-{purpose}-ownership")
        assert ownership["rule"] == {"object_ownership": "BucketOwnerEnforced"}


@pytest.mark.parametrize("purpose", PURPOSES)
def test_nobody_gets_in_without_tls(purpose):  # M77, B42
    _, recorded = recorded_buckets()
    deny = policy(recorded, purpose)["TlsOnly"]
    assert deny["Effect"] == "Deny"
    assert deny["Principal"] == {"AWS": "*"}
    assert deny["Action"] == "s3:*"
    assert deny["Resource"] == [arn(purpose), f"{arn(purpose)}/*"]
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("purpose", ["backups", "media", "releases", "static"])
def test_a_bucket_policy_allows_nothing_by_itself(purpose):  # M77
    _, recorded = recorded_buckets(releases=True)
    assert list(policy(recorded, purpose)) == ["TlsOnly"]


@pytest.mark.parametrize("purpose", ["media", "releases", "static"])
def test_distributions_of_the_account_may_read_what_is_served(purpose):  # M20, B38
    _, recorded = recorded_buckets(served=True, releases=True)
    assert policy(recorded, purpose)["Serve"] == {
        "Sid": "Serve",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"{arn(purpose)}/*",
        "Condition": {
            "ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::123456789012:distribution/*"}
        },
    }


def test_only_of_static_files_cloudfront_is_told_which_are_missing():  # M22
    _, recorded = recorded_buckets(served=True, releases=True)
    told = policy(recorded, "static")["TellMissing"]
    assert told["Action"] == "s3:ListBucket"
    assert told["Resource"] == arn("static")
    assert told["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert told["Condition"] == policy(recorded, "static")["Serve"]["Condition"]
    for purpose in ("media", "releases"):
        assert list(policy(recorded, purpose)) == ["TlsOnly", "Serve"]


def test_backups_and_logs_are_never_served():  # M77
    _, recorded = recorded_buckets(served=True)
    assert list(policy(recorded, "backups")) == ["TlsOnly"]
    assert "Serve" not in policy(recorded, "logs")


def test_installers_have_a_bucket_only_where_there_are_any():  # M80
    buckets, recorded = recorded_buckets()
    assert buckets.releases is None
    assert "releases" not in buckets.by_purpose

    buckets, recorded = recorded_buckets(releases=True)
    assert buckets.releases is buckets.by_purpose["releases"]
    bucket = recorded.one("s3.Bucket", "buckets-releases")
    assert bucket["bucket"] == "backlot-dev-releases-123456789012-us-east-1-an"


def test_an_api_on_elastic_beanstalk_has_a_bucket_for_its_versions():
    buckets, recorded = recorded_buckets(bundles=True, served=True)
    assert buckets.bundles is buckets.by_purpose["bundles"]
    assert list(policy(recorded, "bundles")) == ["TlsOnly"]
    assert recorded_buckets()[0].bundles is None


@pytest.mark.parametrize("purpose", ["bundles", "releases"])
def test_a_bucket_on_demand_is_as_safe_as_that_of_static_files(purpose):  # M75, M76, M77, M80
    _, recorded = recorded_buckets(releases=True, bundles=True, data_key_arn=DATA_KEY)

    def around(which: str) -> dict[str, str]:
        return {
            node.name.replace(which, "it"): str(node.inputs).replace(which, "it")
            for node in recorded.nodes
            if node.name.startswith(f"buckets-{which}")
        }

    assert around(purpose) == around("static")
    assert len(around(purpose)) == 8


def test_requests_for_installers_are_logged_too():  # M80
    _, recorded = recorded_buckets(releases=True)
    log = recorded.one("s3.BucketLogging", "buckets-releases-access-log")
    assert log["target_prefix"] == "s3/releases/"
    allowed = policy(recorded, "logs")["BucketLogs"]["Condition"]["ArnEquals"]
    assert arn("releases") in allowed["aws:SourceArn"]


def test_installers_never_expire():  # M80
    _, recorded = recorded_buckets(releases=True)
    assert list(rules(recorded, "releases")) == ["abort-uploads", "expire-old-versions"]


def test_a_bucket_more_leaves_the_others():
    _, without = recorded_buckets()
    _, recorded = recorded_buckets(releases=True)
    assert set(without.urns) < set(recorded.urns)


def test_the_log_bucket_lets_two_services_write_below_their_own_prefix():
    _, recorded = recorded_buckets()
    granted = policy(recorded, "logs")
    assert list(granted) == ["TlsOnly", "LoadBalancerLogs", "BucketLogs"]
    balancer, bucket = granted["LoadBalancerLogs"], granted["BucketLogs"]
    assert balancer["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert balancer["Resource"] == f"{arn('logs')}/load-balancer/AWSLogs/123456789012/*"
    assert bucket["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert bucket["Resource"] == f"{arn('logs')}/s3/*"
    assert bucket["Condition"] == {
        "ArnEquals": {"aws:SourceArn": [arn("media"), arn("static"), arn("backups")]},
        "StringEquals": {"aws:SourceAccount": "123456789012"},
    }
    assert {balancer["Action"], bucket["Action"]} == {"s3:PutObject"}


def test_requests_are_logged_once_the_log_bucket_admits_it():
    _, recorded = recorded_buckets()
    assert recorded.names("s3.BucketLogging") == [
        "buckets-backups-access-log",
        "buckets-media-access-log",
        "buckets-static-access-log",
    ]
    admitted = recorded.one("s3.BucketPolicy", "buckets-logs-policy")
    for log in recorded.all("s3.BucketLogging"):
        purpose = log.name.split("-")[1]
        assert log["target_bucket"] == "backlot-dev-logs-123456789012-us-east-1-an"
        assert log["target_prefix"] == f"s3/{purpose}/"
        assert admitted.urn in log.resource.dependencies


@pytest.mark.parametrize("purpose", PURPOSES)
def test_unfinished_uploads_and_old_versions_go(purpose):  # M78, B42
    _, recorded = recorded_buckets(noncurrent_days=30)
    uploads = rules(recorded, purpose)["abort-uploads"]
    assert uploads["abort_incomplete_multipart_upload"] == {"days_after_initiation": 7}
    versions = rules(recorded, purpose)["expire-old-versions"]
    assert versions["noncurrent_version_expiration"] == {"noncurrent_days": 30}
    assert versions["expiration"] == {"expired_object_delete_marker": True}


def test_backups_are_kept_for_90_days():  # M78
    _, recorded = recorded_buckets()
    assert rules(recorded, "backups")["expire"]["expiration"] == {"days": 90}
    _, shorter = recorded_buckets(backups_days=30)
    assert rules(shorter, "backups")["expire"]["expiration"] == {"days": 30}


def test_access_logs_are_kept_as_long_as_the_settings_say():
    _, recorded = recorded_buckets(logs_days=45)
    assert rules(recorded, "logs")["expire"]["expiration"] == {"days": 45}


def test_media_and_static_files_never_expire():  # M78
    _, recorded = recorded_buckets()
    assert "expire" not in rules(recorded, "media")
    assert "expire" not in rules(recorded, "static")


def test_temporary_media_expire():
    _, recorded = recorded_buckets(media={"expire_temporary_days": 3})
    temporary = rules(recorded, "media")["expire-temporary"]
    assert temporary["filter"] == {"prefix": "tmp/"}
    assert temporary["expiration"] == {"days": 3}


def test_media_are_tiered_from_the_first_day():  # M79
    _, recorded = recorded_buckets()
    assert rules(recorded, "media")["tier"]["transitions"] == [
        {"days": 0, "storage_class": "INTELLIGENT_TIERING"}
    ]
    assert "tier" not in rules(recorded, "static")
    assert recorded.all("s3.BucketIntelligentTieringConfiguration") == []


def test_media_nobody_reads_are_archived_when_asked_for():  # M79
    _, recorded = recorded_buckets(media={"archive_days": 180})
    archive = recorded.one("s3.BucketIntelligentTieringConfiguration")
    assert archive["tierings"] == [{"access_tier": "ARCHIVE_ACCESS", "days": 180}]


def test_without_tiering_nothing_moves():  # M79
    _, recorded = recorded_buckets(media={"tiering": False, "archive_days": 180})
    assert "tier" not in rules(recorded, "media")
    assert recorded.all("s3.BucketIntelligentTieringConfiguration") == []


def test_a_lifecycle_waits_for_versioning():
    _, recorded = recorded_buckets()
    for purpose in PURPOSES:
        lifecycle = recorded.one("s3.BucketLifecycleConfiguration", f"buckets-{purpose}-lifecycle")
        versioning = recorded.one("s3.BucketVersioning", f"buckets-{purpose}-versioning")
        assert versioning.urn in lifecycle.resource.dependencies


def test_the_sites_named_may_read_media_and_static_files():  # M21
    sites = ["https://app.zapcut.video", "https://muejam.com"]
    _, recorded = recorded_buckets(cors_origins=sites)
    assert recorded.names("s3.BucketCorsConfiguration") == [
        "buckets-media-cors",
        "buckets-static-cors",
    ]
    for cors in recorded.all("s3.BucketCorsConfiguration"):
        assert cors["cors_rules"] == [
            {
                "allowed_headers": ["*"],
                "allowed_methods": ["GET", "HEAD"],
                "allowed_origins": sites,
                "max_age_seconds": 3000,
            }
        ]


def test_no_site_may_read_unless_named():  # M21
    _, recorded = recorded_buckets()
    assert recorded.all("s3.BucketCorsConfiguration") == []


@pytest.mark.parametrize("force_delete", [True, False])
def test_only_a_throwaway_stack_empties_its_buckets(force_delete):
    _, recorded = recorded_buckets(force_delete=force_delete)
    for bucket in recorded.all("s3.Bucket"):
        assert bucket["force_destroy"] is force_delete


def test_reading_is_granted_below_a_prefix():  # M85
    _, recorded = recorded_buckets()
    assert recorded.outputs["read"] == [
        {
            "Sid": "ReadMediaRenders",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [f"{arn('media')}/renders/*"],
        },
        {
            "Sid": "ListMediaRenders",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": [arn("media")],
            "Condition": {"StringLike": {"s3:prefix": "renders/*"}},
        },
    ]


def test_a_whole_bucket_is_listed_without_naming_a_prefix():  # M85
    _, recorded = recorded_buckets()
    listing = {one["Sid"]: one for one in recorded.outputs["access"]}["ListMedia"]
    assert listing["Action"] == ["s3:ListBucket"]
    assert listing["Resource"] == [arn("media")]
    # A condition on s3:prefix, even `*`, refuses every request that has none.
    assert "Condition" not in listing


def test_writing_does_not_mean_reading():  # M85
    _, recorded = recorded_buckets()
    [write] = recorded.outputs["write"]
    assert write["Action"] == ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"]
    assert write["Resource"] == [f"{arn('media')}/renders/*"]


def test_grants_include_the_key_the_objects_are_under_and_no_other():  # M84, M85
    _, recorded = recorded_buckets(data_key_arn=DATA_KEY)
    keys = {
        name: [one["Action"] for one in recorded.outputs[name] if one["Sid"].endswith("Key")]
        for name in ("read", "write", "read_write", "logs")
    }
    assert keys == {
        "read": [["kms:Decrypt"]],
        "write": [["kms:Decrypt", "kms:GenerateDataKey"]],
        "read_write": [["kms:Decrypt", "kms:GenerateDataKey"]],
        "logs": [],
    }


def test_statement_ids_differ_by_prefix_so_that_one_policy_takes_both():
    _, recorded = recorded_buckets(data_key_arn=DATA_KEY)
    ids = [one["Sid"] for name in ("read", "write", "read_write") for one in recorded.outputs[name]]
    assert len(ids) == len(set(ids))


def test_a_workload_is_told_the_name_of_its_bucket():
    _, recorded = recorded_buckets()
    assert recorded.outputs["environment"] == {
        "MEDIA_BUCKET": "backlot-dev-media-123456789012-us-east-1-an"
    }
    assert recorded.outputs["access"] == recorded.outputs["read_write"]


def test_media_are_too_large_beyond_100_gb():  # M100
    buckets, recorded = recorded_buckets()
    size, *_ = buckets.alarms
    assert size.name == "bucket-size"
    assert size.comparison == "above"
    assert size.threshold == 107374182400
    assert isinstance(size.watch, Expression)
    watched = recorded.outputs["alarms"]["bucket-size"]
    assert {one["period"] for one in watched.values()} == {86400}
    assert {one["metric"] for one in watched.values()} == {"AWS/S3 BucketSizeBytes"}
    assert sorted(one["dimensions"]["StorageType"] for one in watched.values()) == [
        "IntelligentTieringAAStorage",
        "IntelligentTieringAIAStorage",
        "IntelligentTieringFAStorage",
        "IntelligentTieringIAStorage",
        "StandardStorage",
    ]
    assert size.watch.text == "SUM([standard, frequent, infrequent, instant, archive])"


def test_a_day_that_s3_has_not_reported_yet_changes_nothing():  # M100
    buckets, _ = recorded_buckets()
    size, *_ = buckets.alarms
    assert isinstance(size.watch, Expression)
    assert "FILL" not in size.watch.text
    assert size.missing_data == "ignore"


def test_without_tiering_all_media_count_as_standard():  # M100
    _, recorded = recorded_buckets(media={"tiering": False, "alarm_gb": 5})
    assert recorded.outputs["alarms"]["bucket-size"] == {
        "standard": {
            "metric": "AWS/S3 BucketSizeBytes",
            "statistic": "Average",
            "period": 86400,
            "dimensions": {
                "BucketName": "backlot-dev-media-123456789012-us-east-1-an",
                "StorageType": "StandardStorage",
            },
        }
    }


def test_every_other_bucket_is_told_of_beyond_100_gb_when_somebody_wonders():
    buckets, recorded = recorded_buckets(bundles=True, releases=True)
    _, *others = buckets.alarms

    assert {alarm.name for alarm in others} == {
        *("static-size", "backups-size", "logs-size", "releases-size", "bundles-size")
    }
    for alarm in others:
        purpose = alarm.name.removesuffix("-size")
        assert (alarm.comparison, alarm.threshold, alarm.severity) == (
            "above",
            107374182400,
            "info",
        )
        assert alarm.missing_data == "ignore"
        assert alarm.runbook == f"storage.md#{alarm.name}"
        assert recorded.outputs["alarms"][alarm.name] == {
            "metric": "AWS/S3 BucketSizeBytes",
            "statistic": "Average",
            "period": 86400,
            "dimensions": {
                "BucketName": f"backlot-dev-{purpose}-123456789012-us-east-1-an",
                "StorageType": "StandardStorage",
            },
        }


def test_the_settings_say_how_large_the_other_buckets_may_be():
    buckets, _ = recorded_buckets(alarm_gb=5)
    media, *others = buckets.alarms

    assert media.threshold == 107374182400
    assert [alarm.threshold for alarm in others] == [5368709120] * 3


def test_panels_show_every_bucket():
    buckets, recorded = recorded_buckets()
    assert {panel.group for panel in buckets.panels} == {"Storage"}
    assert len(recorded.outputs["panels"]["Objects"]) == 4
    assert len(recorded.outputs["panels"]["Other buckets"]) == 3


def test_protection_covers_the_data_and_leaves_everything_else_free_to_change():
    _, recorded = recorded_buckets(protect=True)
    protected = [node.name for node in recorded.nodes if node.protect]
    assert protected == [
        "buckets-backups",
        "buckets-logs",
        "buckets-media",
        "buckets-static",
        "buckets",
    ]


def test_every_child_is_named_after_the_component_and_belongs_to_it():
    _, recorded = recorded_buckets(cors_origins=["https://muejam.com"])
    component = recorded.one("backlot:stores:Buckets", "buckets")
    for node in recorded.nodes:
        if node.type.startswith("aws:"):
            assert node.name.startswith("buckets-"), node
            assert node.parent == component.urn, node
