"""What the workflows must keep, as rules over all of them: who may do what, and who waits for whom.

Their form and their known dangers are check-jsonschema's and zizmor's, which `make check` runs.
"""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
import yaml

from tests.delivery.workflows import ACTION, FOLDER, Job, files, job, jobs, workflow
from tests.recorder import ROOT
from tests.rows import proves

STEPS = [one for one in jobs() if one.steps]
CALLS = [one for one in jobs() if "uses" in one.content]

ENVIRONMENTS = {
    "drift.look": "${{ matrix.stack }}-preview",
    "plan.plan": "${{ inputs.stack }}-preview",
    "release-frontend.publish": "${{ inputs.stack }}-release",
    "release-image.push": "${{ matrix.stack }}-release",
    "release-image.stack-files": "platform",
    "release-installers.build": "signing",
    "release-installers.publish": "${{ inputs.stack }}-release",
    "up.up": "${{ inputs.stack }}",
}
"""Everything that holds a role or a key, and the GitHub environment that guards it."""

WITHOUT_ROLE = {"release-image.stack-files", "release-installers.build"}
"""Of those, the ones that hold a key of another kind."""

UP = workflow("up")["on"]["workflow_call"]["inputs"]
PERMISSIONS = {"contents", "id-token", "issues", "pull-requests"}
STACK_OF_BRANCH = {"dev": "develop", "staging": "main"}


def place(one: Job) -> str:
    return one.place


def session_seconds(one: Job) -> int:
    """How long the job's credentials last; `up` is told by who calls it."""
    given = [
        step["with"].get("session-seconds") or step["with"].get("role-duration-seconds")
        for step in one.steps
        if re.search(r"/actions/stack$|/configure-aws-credentials@", step.get("uses", ""))
    ]
    assert len(given) == 1, one.place
    return UP["session-seconds"]["default"] if one.place == "up.up" else int(given[0])


def minutes(one: Job) -> int:
    return UP["minutes"]["default"] if one.place == "up.up" else one.content["timeout-minutes"]


def text_of_all() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in [*files(), ACTION])


@pytest.mark.parametrize("name", [file.stem for file in files()])
def test_a_workflow_has_no_right_but_what_a_job_lists_with_its_reason(name: str) -> None:
    content = workflow(name)
    assert content["permissions"] == {}
    for one in content["jobs"].values():
        assert set(one["permissions"]) <= PERMISSIONS
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    granted = re.findall(r"^ +(?:contents|id-token|issues|pull-requests): .*$", text, re.MULTILINE)
    assert [line for line in granted if not re.search(r" # \w", line)] == []


def test_nothing_writes_to_the_repository_by_its_own_token() -> None:
    writes = {
        (one.place, right)
        for one in jobs()
        for right, level in one.permissions.items()
        if level == "write" and right != "id-token"
    }

    assert writes == {("preview.comment", "pull-requests"), ("drift.report", "issues")}


def test_a_role_or_a_key_is_held_in_its_environment_and_nowhere_else() -> None:  # B21
    assert {
        one.place: one.content["environment"] for one in jobs() if "environment" in one.content
    } == ENVIRONMENTS


@pytest.mark.parametrize("one", STEPS, ids=place)
def test_only_who_takes_a_role_may_ask_for_a_token(one: Job) -> None:  # M86, B21
    takes = [
        step for step in one.steps if re.search(r"actions/stack$|aws-cred", step.get("uses", ""))
    ]

    assert bool(takes) == (one.permissions.get("id-token") == "write")
    assert bool(takes) == (one.place in ENVIRONMENTS.keys() - WITHOUT_ROLE)


@proves("M86", "zapcut", "ai-film-studio", "autoblog")
def test_no_key_of_aws_is_stored_anywhere() -> None:
    secrets = set(re.findall(r"secrets\.([A-Za-z_-]+)", text_of_all()))

    assert secrets == {"PLATFORM_APP_PRIVATE_KEY", "SIGNING_CERTIFICATE", "SIGNING_PASSWORD"}
    assert "AWS_ACCESS_KEY_ID" not in text_of_all()
    assert "aws-access-key-id" not in text_of_all()


def test_a_secret_is_called_as_in_the_environment_that_keeps_it() -> None:
    """Under another name a called workflow finds it empty, and no run says so."""
    for file in files():
        call = (workflow(file.stem)["on"].get("workflow_call") or {}).get("secrets", {})
        used = set(re.findall(r"secrets\.([\w-]+)", file.read_text(encoding="utf-8")))
        assert used == set(call), file.name
        assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in call), file.name


def test_a_description_that_approves_something_starts_the_preview_again() -> None:
    assert "edited" in workflow("preview")["on"]["pull_request"]["types"]
    assert "pull_request.body" not in text_of_all()


def test_forks_and_fresh_dependencies_get_near_no_role() -> None:
    triggers = {file.stem: workflow(file.stem)["on"] for file in files()}
    by_pull_request = {name for name, on in triggers.items() if "pull_request" in on}
    condition = job("preview.plan").content["if"]

    assert by_pull_request == {"check", "preview"}
    assert "github.event.pull_request.head.repo.full_name == github.repository" in condition
    assert "github.event.pull_request.user.login != 'dependabot[bot]'" in condition
    assert [one.permissions for one in jobs() if one.workflow == "check"] == [{"contents": "read"}]
    for on in triggers.values():
        assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(on)


def test_the_comment_is_written_by_a_job_that_runs_nothing_of_the_pull_request() -> None:
    comment = job("preview.comment")

    assert [step["uses"].partition("@")[0] for step in comment.steps if "uses" in step] == [
        "actions/download-artifact"
    ]
    assert comment.permissions == {"pull-requests": "write"}


def test_every_action_is_pinned_by_its_commit_and_says_which_version_that_is() -> None:
    pins: dict[str, set[str]] = defaultdict(set)
    for line in re.findall(r"uses: (.*)$", text_of_all(), re.MULTILINE):
        if line.startswith("$/.github/"):
            continue
        found = re.fullmatch(r"([\w.-]+/[\w.-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", line)
        assert found, line
        pins[found[1]].add(found[2])

    assert {action: len(commits) for action, commits in pins.items()} == dict.fromkeys(pins, 1)


def test_no_checkout_leaves_its_token_behind() -> None:
    checkouts = [
        (one.place, step)
        for one in STEPS
        for step in one.steps
        if step.get("uses", "").startswith("actions/checkout@")
    ]

    assert len(checkouts) == 8
    for where, step in checkouts:
        assert step["with"]["persist-credentials"] is False, where


def test_no_value_is_pasted_into_a_script() -> None:
    scripts = [step["run"] for one in STEPS for step in one.steps if "run" in step]
    scripts += [step["run"] for step in action_steps() if "run" in step]

    assert [script for script in scripts if "${{" in script] == []


def action_steps() -> list[dict[str, str]]:
    return yaml.safe_load(ACTION.read_text(encoding="utf-8"))["runs"]["steps"]


@pytest.mark.parametrize("one", STEPS, ids=place)
def test_a_job_ends_before_its_credentials_do(one: Job) -> None:
    assert minutes(one) <= 110
    if one.permissions.get("id-token") == "write":
        assert minutes(one) * 60 < session_seconds(one)


def test_production_has_four_hours_for_the_slowest_change_of_its_database() -> None:
    given = job("deploy.production").content["with"]
    hours = yaml.safe_load((ROOT / "bootstrap" / "Pulumi.account.yaml").read_text())["config"]

    assert given["session-seconds"] == 4 * 60 * 60
    assert given["minutes"] == 230
    environments = hours["bootstrap:environments"]
    assert environments["production"]["deploy_hours"] == 4
    # The others have what up.yaml asks for when it is told nothing, and bootstrap by default.
    assert "deploy_hours" not in environments["staging"]
    assert UP["session-seconds"]["default"] == 2 * 60 * 60


def test_an_up_is_never_cancelled_and_has_its_stack_to_itself() -> None:
    groups = {
        one.place: one.content["concurrency"]
        for one in jobs()
        if str(one.content.get("concurrency", {}).get("group", "")).startswith("stack-$")
    }

    assert groups == {"up.up": {"group": "stack-${{ inputs.stack }}", "cancel-in-progress": False}}


def test_what_writes_is_never_cancelled_and_what_only_looks_makes_room() -> None:
    cancelled = {
        one.place
        for one in jobs()
        if one.content.get("concurrency", {}).get("cancel-in-progress") is not False
        and "concurrency" in one.content
    }

    assert cancelled == {
        "check.check",
        "preview.comment",
        "preview.plan",
        "release-frontend.build",
        "release-image.build",
        "release-installers.build",
    }


@proves("M118", "aivp", "ai-film-studio")
def test_develop_goes_to_dev_and_main_to_staging_and_then_to_production() -> None:  # M118
    deploy = workflow("deploy")
    of_job = deploy["jobs"]

    assert deploy["on"]["push"]["branches"] == ["develop", "main"]
    for stack, branch in STACK_OF_BRANCH.items():
        assert of_job[stack]["if"] == f"github.ref == 'refs/heads/{branch}'"
        assert of_job[stack]["with"] == {"stack": stack}
        assert of_job[stack]["needs"] == "check"
    assert of_job["production-plan"]["needs"] == "staging"
    assert of_job["production"]["needs"] == "production-plan"
    # Neither has a condition of its own, so each waits for the one before to have succeeded.
    assert "if" not in of_job["production-plan"]
    assert "if" not in of_job["production"]


@proves("M118", "aivp", "ai-film-studio")
def test_production_gets_what_was_approved_or_nothing() -> None:  # M118, M119
    assert job("deploy.production").content["with"] == {
        "stack": "production",
        "approved": "${{ needs.production-plan.outputs.changes }}",
        "session-seconds": 14400,
        "minutes": 230,
    }
    review = job("up.up").script("Review what is about to change")
    assert review.index('"$APPROVED" !=') < review.index("operations.review")


def test_both_fingerprints_are_taken_in_the_same_way() -> None:
    changes = re.compile(r"(?m)changes=\$\(jq .*\)$|sha256sum <<< \"\$changes\" \| cut -c 1-64")
    plan = changes.findall(job("plan.plan").script("Fingerprint"))

    assert len(plan) == 2
    assert plan == changes.findall(job("up.up").script("Review what is about to change"))


@proves("M119", "aivp", "ai-film-studio")
def test_by_hand_means_what_a_push_means() -> None:  # M119
    assert workflow("deploy")["on"]["workflow_dispatch"] is None
    assert "inputs." not in (FOLDER / "deploy.yaml").read_text(encoding="utf-8")


def test_nothing_is_brought_up_that_was_not_checked() -> None:
    of_job = workflow("deploy")["jobs"]

    assert of_job["check"]["uses"] == "$/.github/workflows/check.yaml"
    assert job("check.check").script("Install, check, test, rehearse") == ".ci/run"


@proves("M119", "aivp", "ai-film-studio")
def test_every_stack_is_previewed_on_its_own() -> None:  # M119
    plan = job("preview.plan").content

    assert plan["strategy"] == {
        "fail-fast": False,
        "matrix": {"stack": ["dev", "staging", "production"]},
    }
    assert plan["uses"] == "$/.github/workflows/plan.yaml"


def test_an_up_is_followed_by_a_look_at_what_runs() -> None:  # M114, M117
    scripts = [step["run"] for step in job("up.up").steps if "run" in step]
    up = next(at for at, one in enumerate(scripts) if one.startswith("pulumi up"))

    assert "operations.gate smoke" in scripts[up + 1]
    # On EC2 only this waits for the new version, which the smoke test then meets.
    assert scripts[up + 1].index("verify_release") < scripts[up + 1].index("gate smoke")
    assert "operations.gate migrate" in scripts[up - 1]


def test_drift_is_looked_for_on_weekdays_by_a_role_that_changes_nothing() -> None:
    look = job("drift.look").content

    assert workflow("drift")["on"]["schedule"] == [{"cron": "17 5 * * 1-5"}]
    assert look["strategy"]["max-parallel"] == 1
    assert look["strategy"]["matrix"]["include"] == [
        {"stack": "dev", "branch": "develop"},
        {"stack": "staging", "branch": "main"},
        {"stack": "production", "branch": "main"},
    ]
    assert look["environment"].endswith("-preview")


def test_the_cli_is_of_the_locked_sdks_version() -> None:
    locked = re.search(r"^pulumi==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    [cli] = [step["with"] for step in action_steps() if "pulumi/" in step.get("uses", "")]

    assert locked
    assert cli == {"pulumi-version": locked[1]}


def test_dependencies_are_installed_before_there_is_a_role_to_steal() -> None:
    steps = [step.get("uses", step.get("run", "")).partition("@")[0] for step in action_steps()]

    assert steps == [
        "actions/setup-python",
        "make install",
        "pulumi/actions",
        "aws-actions/configure-aws-credentials",
    ]


def test_a_pipe_fails_when_any_part_of_it_does() -> None:
    for file in files():
        content = workflow(file.stem)
        if any("run" in step for one in content["jobs"].values() for step in one.get("steps", [])):
            assert content["defaults"]["run"]["shell"] == "bash", file.name


@pytest.mark.parametrize("name", ["image", "frontend", "installers"])
def test_what_builds_an_application_has_no_role(name: str) -> None:
    build = job(f"release-{name}.build")

    assert build.permissions == {"contents": "read"}
    assert set(workflow(f"release-{name}")["on"]) == {"workflow_call"}


@proves("M112", "ai-film-studio", "autoblog")
def test_an_image_with_a_known_hole_goes_nowhere() -> None:  # M112
    build = job("release-image.build")
    names = [step.get("name", step.get("uses")) for step in build.steps]
    fetch = build.script("Fetch Trivy")

    assert "--severity HIGH,CRITICAL --exit-code 1" in build.script("Scan")
    # Trivy reads OCI's form as a folder alone.
    assert '--input "$RUNNER_TEMP/image" ' in build.script("Scan")
    assert names.index("Scan") < len(names) - 1
    assert "actions/upload-artifact" in names[-1]
    assert fetch.index("sha256sum --check") < fetch.index("tar --extract")
    assert job("release-image.push").content["needs"] == "build"


@proves("M111", "aivp", "ai-film-studio", "autoblog")
def test_an_image_is_built_once_for_all_the_stacks_that_get_it() -> None:  # M111, B52
    push = job("release-image.push")

    assert push.content["strategy"]["matrix"]["stack"] == "${{ fromJSON(inputs.stacks) }}"
    assert "--preserve-digests" in push.script("Push")
    assert "docker build" not in push.script("Push")


@proves("M80", "aivp")
def test_installers_are_built_on_three_systems() -> None:  # M80
    assert job("release-installers.build").content["strategy"]["matrix"]["system"] == [
        "macos-15",
        "windows-2025",
        "ubuntu-24.04",
    ]
