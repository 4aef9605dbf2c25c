"""What stands in an account after the bootstrap: the states' home, the providers, the roles."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bootstrap.conftest import ACCOUNT, BOOTSTRAP, ENVIRONMENTS, REGION, SHIPPED, Account
from tests.recorder import Node, Recorded
from tests.rows import proves

BentAccount = Callable[..., Account]

STATES = f"backlot-state-{ACCOUNT}-{REGION}-an"
COPIES = f"backlot-state-copy-{ACCOUNT}-us-west-2-an"


def about(account: Account, type: str, bucket: str) -> Node:
    [found] = [node for node in account.recorded.all(type) if node["bucket"] == bucket]
    return found


def subjects(account: Account, role: str, issuer: str) -> list[str]:
    """Whom a role's trust believes, of those that `issuer` vouches for."""
    found = []
    for statement in account.role(role).trust:
        equal = statement["Condition"]["StringEquals"]
        found += equal.get(f"{issuer}:sub", [])
    return found


GITHUB, CLOUD = "token.actions.githubusercontent.com", "api.pulumi.com/oidc"


def test_the_account_rehearses_clean(made_account: Recorded) -> None:
    assert made_account.findings == []
    shadowed = {one.type for one in made_account.nodes if one.resource.made_in == "shadow"}
    assert shadowed == {"aws:kms/replicaKey:ReplicaKey"}


@proves("M107", "zapcut", "aivp", "ai-film-studio", "muejam", "autoblog")
@pytest.mark.parametrize("bucket", [STATES, COPIES])
def test_states_are_versioned_encrypted_private_and_tls_only(account: Account, bucket: str) -> None:
    # M107
    versioning = about(account, "s3.BucketVersioning", bucket)
    assert versioning["versioning_configuration"]["status"] == "Enabled"
    [rule] = about(account, "s3.BucketServerSideEncryptionConfiguration", bucket)["rules"]
    keys = [account.recorded.one("kms.Key"), account.recorded.one("kms.ReplicaKey")]
    by_default = rule["apply_server_side_encryption_by_default"]
    assert by_default["sse_algorithm"] == "aws:kms"
    assert by_default["kms_master_key_id"] == keys[bucket == COPIES].outputs["arn"]
    assert rule["blocked_encryption_types"] == ["SSE-C"]
    block = about(account, "s3.BucketPublicAccessBlock", bucket)
    assert [block[key] for key in sorted(block.inputs) if key not in ("bucket", "region")] == [
        True
    ] * 4
    owner = about(account, "s3.BucketOwnershipControls", bucket)
    assert owner["rule"]["object_ownership"] == "BucketOwnerEnforced"
    [tls] = about(account, "s3.BucketPolicy", bucket).json("policy")["Statement"]
    assert (tls["Effect"], tls["Action"]) == ("Deny", "s3:*")
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_old_versions_of_a_state_go_after_ninety_days(account: Account) -> None:
    rules = {
        rule["id"]: rule
        for rule in about(account, "s3.BucketLifecycleConfiguration", STATES)["rules"]
    }
    old = rules["expire-old-versions"]
    assert old["noncurrent_version_expiration"] == {"noncurrent_days": 90}
    assert old["expiration"] == {"expired_object_delete_marker": True}
    assert not any("days" in rule.get("expiration", {}) for rule in rules.values())


@proves("M123", "ai-film-studio", "muejam")
def test_every_version_is_copied_to_another_region_and_no_deletion(account: Account) -> None:
    # M123
    copy = account.recorded.one("s3.BucketReplicationConfig")
    [rule] = copy["rules"]
    assert copy["bucket"] == STATES
    assert rule["destination"]["bucket"] == f"arn:aws:s3:::{COPIES}"
    assert rule["delete_marker_replication"] == {"status": "Disabled"}
    assert account.recorded.one("s3.Bucket", "state-replica")["region"] == "us-west-2"
    role = account.role("state-copy")
    assert role.may("s3:ReplicateObject", f"arn:aws:s3:::{COPIES}/x")
    assert not role.may("s3:ReplicateDelete", f"arn:aws:s3:::{COPIES}/x")
    assert not role.may("s3:PutObject", f"arn:aws:s3:::{STATES}/x")


def test_without_a_second_region_there_is_no_copy(bent_account: BentAccount) -> None:
    alone = bent_account(state={"old_versions_days": 30})

    assert alone.recorded.names("s3.Bucket") == ["state"]
    assert alone.recorded.all("kms.ReplicaKey") == []
    assert alone.recorded.all("s3.BucketReplicationConfig") == []
    # It cannot become one later.
    assert alone.recorded.one("kms.Key")["multi_region"] is True


def test_the_key_of_the_states_rotates_and_is_found_by_its_alias(account: Account) -> None:
    key, alias = account.recorded.one("kms.Key"), account.recorded.one("kms.Alias")
    assert key["enable_key_rotation"] is True
    assert key["deletion_window_in_days"] == 30
    assert (alias["name"], alias["target_key_id"]) == ("alias/backlot-state", key.outputs["key_id"])


def test_states_keys_providers_and_boundaries_are_protected(account: Account) -> None:
    guarded = {node.name for node in account.recorded.nodes if node.protect}
    assert {"state", "state-replica", "identity-github", "identity-pulumi-cloud"} <= guarded
    assert {"boundaries-workloads", "boundaries-production-deploy"} <= guarded
    assert not any(name.startswith("production-") for name in guarded)


def test_nothing_of_it_carries_the_tag_that_tells_environments_apart(account: Account) -> None:
    tagged = [node for node in account.recorded.nodes if "tags_all" in node.outputs]
    assert len(tagged) > 30
    for node in tagged:
        assert node.outputs["tags_all"]["Project"] == "backlot"
        assert "Environment" not in node.outputs["tags_all"]


@proves("M86", "zapcut", "ai-film-studio", "autoblog")
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_workflow_is_believed_by_its_environment_alone(
    account: Account, environment: str
) -> None:  # M86, B21
    repository = "repo:studio/backlot:environment"
    assert subjects(account, f"{environment}-preview", GITHUB) == [
        f"{repository}:{environment}-preview"
    ]
    assert subjects(account, f"{environment}-deploy", GITHUB) == [f"{repository}:{environment}"]
    assert subjects(account, f"{environment}-release", GITHUB) == [
        f"repo:studio/{name}:environment:{environment}-release"
        for name in ("api", "worker", "site", "desktop")
    ]


def test_a_deployment_is_believed_by_its_stack_and_operation(account: Account) -> None:
    lead = "pulumi:deploy:org:studio:project:backlot:stack:production:operation"
    assert subjects(account, "production-preview", CLOUD) == [f"{lead}:preview:scope:write"]
    assert subjects(account, "production-deploy", CLOUD) == [
        f"{lead}:{operation}:scope:write"
        for operation in ("update", "refresh", "destroy", "detect-drift", "remediate-drift")
    ]
    assert subjects(account, "production-release", CLOUD) == []


def test_a_pull_request_has_the_deploy_role_where_the_file_says_so(account: Account) -> None:
    previewed = {
        environment
        for environment in ENVIRONMENTS
        for subject in subjects(account, f"{environment}-deploy", CLOUD)
        if ":operation:preview:" in subject
    }
    assert previewed == {"dev"}


def test_every_trust_names_its_audience_and_whole_subjects(account: Account) -> None:
    audiences = {GITHUB: "sts.amazonaws.com", CLOUD: "studio"}
    trusts = [
        statement
        for role in account.recorded.all("iam.Role")
        for statement in role.json("assume_role_policy")["Statement"]
        if "Federated" in statement["Principal"]
    ]
    assert len(trusts) == 3 * 5
    issuers = {
        provider.outputs["arn"]: provider["url"].removeprefix("https://")
        for provider in account.recorded.all("iam.OpenIdConnectProvider")
    }
    for trust in trusts:
        issuer = issuers[trust["Principal"]["Federated"]]
        assert set(trust["Condition"]) == {"StringEquals"}
        equal = trust["Condition"]["StringEquals"]
        assert equal[f"{issuer}:aud"] == audiences[issuer]
        for subject in equal[f"{issuer}:sub"]:
            assert "*" not in subject
            assert "pull_request" not in subject
            assert "ref:" not in subject


def test_the_providers_are_made_for_their_audiences(account: Account) -> None:
    made = {
        node["url"]: node["client_id_lists"]
        for node in account.recorded.all("iam.OpenIdConnectProvider")
    }
    assert made == {f"https://{GITHUB}": ["sts.amazonaws.com"], f"https://{CLOUD}": ["studio"]}


def test_a_provider_that_is_there_already_is_used_and_not_made(bent_account: BentAccount) -> None:
    shared = bent_account(
        github={"repository": "studio/backlot", "create_provider": False}, pulumi_cloud=None
    )

    assert shared.recorded.all("iam.OpenIdConnectProvider") == []
    [trust] = shared.role("dev-deploy").trust
    assert trust["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"}
    assert "dev-release" not in shared.recorded.names("iam.Role")
    assert set(shared.recorded.outputs["roles"]["dev"]) == {"preview", "deploy"}


def test_numbers_in_a_subject_are_taken_as_github_writes_them(bent_account: BentAccount) -> None:
    recent = bent_account(github={"repository": "studio@12/backlot@345"}, pulumi_cloud=None)

    assert subjects(recent, "dev-deploy", GITHUB) == ["repo:studio@12/backlot@345:environment:dev"]


def test_a_deploy_session_outlasts_the_slowest_change(account: Account) -> None:
    hours = {
        role.name: role["max_session_duration"] / 3600
        for role in account.recorded.all("iam.Role")
        if "max_session_duration" in role
    }
    assert hours["dev-deploy"] == hours["staging-deploy"] == 2
    assert hours["production-deploy"] == 4
    assert {
        hours[f"{name}-{kind}"] for name in ENVIRONMENTS for kind in ("preview", "release")
    } == {1}


@proves("M87", "muejam")
def test_people_get_in_with_a_second_factor_shown_within_the_hour(account: Account) -> None:  # M87
    [trust] = account.role("operators").trust
    assert trust["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert trust["Condition"] == {
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "NumericLessThan": {"aws:MultiFactorAuthAge": "3600"},
    }


def test_without_operators_no_person_has_a_role(bent_account: BentAccount) -> None:
    without = bent_account(operators=None)

    assert "operators" not in without.recorded.names("iam.Role")
    assert without.recorded.outputs.get("operators") is None


def test_what_workflows_and_stack_files_need_is_exported(made_account: Recorded) -> None:
    outputs = made_account.outputs
    assert outputs["state_url"] == f"s3://{STATES}?region=us-east-1"
    assert outputs["secrets_providers"]["production"] == (
        "awskms://alias/backlot-state?region=us-east-1&context_environment=production"
    )
    assert outputs["permissions_boundary"] == (
        f"arn:aws:iam::{ACCOUNT}:policy/bootstrap/backlot-workloads"
    )
    assert outputs["roles"] == {
        name: {
            kind: f"arn:aws:iam::{ACCOUNT}:role/bootstrap/backlot-{name}-{kind}"
            for kind in ("deploy", "preview", "release")
        }
        for name in ENVIRONMENTS
    }


def test_a_preview_shows_the_whole_account() -> None:
    from rehearsal.record import RecordOnlyProvider
    from rehearsal.run import rehearse

    def urns(*, preview: bool) -> set[str]:
        graph = rehearse(BOOTSTRAP, "account", SHIPPED, RecordOnlyProvider(), preview=preview)
        assert graph.findings == []
        return set(graph.resources)

    assert urns(preview=True) == urns(preview=False)
