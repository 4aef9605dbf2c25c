"""The workflows' scripts, run with commands that only note what they are asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.workflows import job, run
from tests.rows import proves

DIGEST = f"sha256:{'ab' * 32}"

# GitHub's runners, where these scripts run, have both, and `check.yaml` runs these tests there.
# `make test` asks for Python alone: a machine without them leaves out what only they can answer.
needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed here")
needs_yq = pytest.mark.skipif(shutil.which("yq") is None, reason="yq is not installed here")

PUBLISH_SITE = job("release-frontend.publish")
PUBLISH_INSTALLERS = job("release-installers.publish").script("Publish, the feeds last")
FEEDS = ("latest.yml", "latest-mac.yml", "latest-linux.yml")


def installers(folder: Path, *names: str) -> None:
    (folder / "installers").mkdir()
    for name in names:
        (folder / "installers" / name).write_text(name, encoding="utf-8")


@proves("M22", "ai-film-studio")
def test_the_site_that_is_online_is_kept_before_anything_replaces_it(tmp_path: Path) -> None:  # M22
    ran = run(
        PUBLISH_SITE.script("Keep a copy of what is online"),
        tmp_path,
        {"aws": "true", "date": "echo 2026-11-26T10-00-00Z"},
        STATIC="static",
        BACKUPS="backups",
        GITHUB_RUN_ID="7",
    )

    assert ran.code == 0
    copy = "s3://backups/site/2026-11-26T10-00-00Z-7"
    assert ran.calls[-1].startswith("aws s3 sync ")
    assert ran.calls[-1].endswith(f" s3://static {copy}")
    names = [step.get("name") for step in PUBLISH_SITE.steps]
    kept = names.index("Keep a copy of what is online")
    assert kept < names.index("Upload, the pages last")


@proves("M22", "ai-film-studio")
def test_what_the_pages_name_is_there_before_the_pages_are(tmp_path: Path) -> None:  # M22
    ran = run(
        PUBLISH_SITE.script("Upload, the pages last"),
        tmp_path,
        {"aws": "true"},
        STATIC="static",
        IMMUTABLE="assets",
    )

    hashed, others, pages = ran.calls
    assert "--include assets/* --cache-control public, max-age=31536000, immutable" in hashed
    assert "--exclude assets/* --exclude *.html --cache-control no-cache" in others
    assert "--include *.html --cache-control no-cache" in pages
    assert not any("--delete" in call for call in ran.calls)


@proves("M22", "ai-film-studio")
def test_cloudfront_forgets_the_site_when_all_of_it_is_there(tmp_path: Path) -> None:  # M22
    step = "Have CloudFront forget the pages"
    ran = run(PUBLISH_SITE.script(step), tmp_path, {"aws": "true"}, DISTRIBUTION="E1")

    assert PUBLISH_SITE.steps[-1]["name"] == step
    assert ran.calls == [
        "aws cloudfront create-invalidation --distribution-id E1 --paths /*",
    ]


@proves("M80", "aivp")
def test_the_feeds_come_after_every_installer_they_name(tmp_path: Path) -> None:  # M80
    installers(tmp_path, "Studio-2.exe", "Studio-2.dmg", "Studio-2.AppImage", *FEEDS)
    ran = run(PUBLISH_INSTALLERS, tmp_path, {"aws": "true"}, RELEASES="releases")

    assert ran.code == 0, ran.output
    files, feeds = ran.calls[:3], ran.calls[3:]
    assert [call.split("--key ")[1].split()[0] for call in files] == [
        "releases/Studio-2.AppImage",
        "releases/Studio-2.dmg",
        "releases/Studio-2.exe",
    ]
    assert all("immutable --if-none-match *" in call for call in files)
    assert sorted(call.rpartition("/")[2] for call in feeds) == sorted(
        f"{feed} --cache-control no-cache" for feed in FEEDS
    )


def test_a_system_without_its_feed_publishes_nothing(tmp_path: Path) -> None:
    installers(tmp_path, "Studio-2.exe", "latest.yml", "latest-mac.yml")
    ran = run(PUBLISH_INSTALLERS, tmp_path, {"aws": "true"}, RELEASES="releases")

    assert ran.code == 1
    assert ran.calls == []
    assert "No latest-linux.yml" in ran.output


def test_a_name_that_was_published_before_stops_the_feeds(tmp_path: Path) -> None:
    installers(tmp_path, "Studio-2.exe", *FEEDS)
    ran = run(PUBLISH_INSTALLERS, tmp_path, {"aws": "exit 254"}, RELEASES="releases")

    assert ran.code == 1
    assert len(ran.calls) == 1
    assert "Studio-2.exe could not be published" in ran.output


def test_without_a_certificate_the_installers_are_unsigned_and_built(tmp_path: Path) -> None:
    script = job("release-installers.build").script("Build")
    told = "echo ${CSC_LINK-none} ${CSC_KEY_PASSWORD-none}"

    unsigned = run(script, tmp_path, {}, COMMAND=told, CSC_LINK="", CSC_KEY_PASSWORD="")
    assert unsigned.output == "none none\n"


@pytest.mark.parametrize(("there", "code"), [(DIGEST, 0), (f"sha256:{'cd' * 32}", 1)])
def test_an_image_arrives_as_it_was_scanned_or_not_at_all(
    tmp_path: Path, there: str, code: int
) -> None:
    # The password is read, or who hands it over would find nobody there.
    skopeo = f"case $1 in login) cat > /dev/null ;; inspect) echo {there} ;; esac"
    ran = run(
        job("release-image.push").script("Push"),
        tmp_path,
        {"aws": "echo password", "skopeo": skopeo},
        REGISTRY="123456789012.dkr.ecr.us-east-1.amazonaws.com/backlot-dev",
        REPOSITORY="api",
        DIGEST=DIGEST,
        GITHUB_SHA="c0ffee",
        GITHUB_RUN_NUMBER="12",
        GITHUB_RUN_ATTEMPT="1",
    )

    assert ran.code == code
    host = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    assert f"skopeo login --username AWS --password-stdin {host}" in ran.calls
    assert (
        "skopeo copy --preserve-digests oci-archive:image.tar "
        f"docker://{host}/backlot-dev/api:c0ffee-12.1"
    ) in ran.calls


def release(folder: Path, through: str, git: str = "[ $1 != diff ] || exit 1") -> list[str]:
    ran = run(
        job("release-image.stack-files").script("Push it, or open the pull request"),
        folder,
        {"git": git, "gh": "true"},
        BRANCH="main",
        REPOSITORY="api",
        THROUGH=through,
        ACTOR="ada",
        GH_TOKEN="token",
        GITHUB_REPOSITORY="studio/api",
        GITHUB_SHA="c0ffee",
        GITHUB_SERVER_URL="https://github.com",
        GITHUB_RUN_ID="7",
    )
    assert ran.code == 0, ran.output
    return ran.calls


def test_a_release_is_proposed_to_the_branch_that_deploys_it(tmp_path: Path) -> None:
    calls = release(tmp_path, "pull_request")

    assert "git push --force origin HEAD:refs/heads/release/api-to-main" in calls
    assert any(
        call.startswith("gh pr create --base main --head release/api-to-main") for call in calls
    )
    assert "git push origin HEAD:main" not in calls


def test_or_it_is_pushed_there_by_choice(tmp_path: Path) -> None:
    calls = release(tmp_path, "push")

    assert calls[-1] == "git push origin HEAD:main"
    assert not any("pr create" in call for call in calls)


def test_a_digest_that_the_stacks_have_already_changes_nothing(tmp_path: Path) -> None:
    assert release(tmp_path, "pull_request", git="true") == ["git diff --quiet"]


@needs_jq
def test_a_plan_is_known_again_by_what_it_does_and_not_by_its_order(tmp_path: Path) -> None:
    def fingerprint(name: str, *steps: tuple[str, str], image: str = "api:1") -> str:
        folder = tmp_path / name
        folder.mkdir()
        now = {"inputs": {"image": image}}
        content = {
            "steps": [
                {"op": op, "urn": urn, "oldState": now, "newState": {"id": name}}
                for op, urn in steps
            ]
        }
        (folder / "preview.json").write_text(json.dumps(content), encoding="utf-8")
        ran = run(job("plan.plan").script("Fingerprint"), folder, {})
        assert ran.code == 0, ran.output
        return (folder / ".output").read_text(encoding="utf-8")

    approved = fingerprint("approved", ("update", "a"), ("create", "b"), ("same", "c"))
    assert fingerprint("again", ("create", "b"), ("update", "a")) == approved
    assert fingerprint("worse", ("create", "b"), ("replace", "a")) != approved
    # Another release was quicker: approved was the way from the version before it.
    late = fingerprint("late", ("update", "a"), ("create", "b"), image="api:2")
    assert late != approved


PULLS = [
    {"merged_at": "2026-11-26T10:00:00Z", "body": "Data loss: dev/jobs"},
    {"merged_at": "2026-11-26T10:00:00Z", "body": None},
    {"merged_at": None, "body": "Data loss: dev/database-primary"},
]
"""All hold the commit; the last is only proposed, by whoever liked to."""

STEP = "Read what the pull request approves"


@needs_jq
@pytest.mark.parametrize(
    ("place", "number", "asked", "approved"),
    [
        ("up.up", "", "commits/c0ffee/pulls", "Data loss: dev/jobs\n"),
        ("plan.plan", "", "commits/c0ffee/pulls", "Data loss: dev/jobs\n"),
        ("plan.plan", "5", "pulls/5", "Data loss: dev/jobs\n"),
    ],
)
def test_what_is_approved_is_what_a_description_says_now(
    place: str, number: str, asked: str, approved: str, tmp_path: Path
) -> None:
    answer = PULLS[0] if number else PULLS
    (tmp_path / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    ran = run(
        job(place).script(STEP),
        tmp_path,
        {"gh": f'jq --raw-output "${{@: -1}}" {tmp_path}/answer.json'},
        NUMBER=number,
        GITHUB_REPOSITORY="studio/backlot",
        GITHUB_SHA="c0ffee",
    )

    assert ran.code == 0, ran.output
    assert ran.calls[0].startswith(f"gh api repos/studio/backlot/{asked} --jq ")
    assert (tmp_path / "approvals.txt").read_text(encoding="utf-8") == approved


@needs_jq
def test_what_is_scanned_is_the_image_whose_digest_is_released(tmp_path: Path) -> None:
    layout, temp = tmp_path / "layout", tmp_path / "temp"
    layout.mkdir()
    temp.mkdir()
    (layout / "index.json").write_text(json.dumps({"manifests": [{"digest": DIGEST}]}))
    ran = run(
        job("release-image.build").script("Build"),
        tmp_path,
        {"docker": f'[ "$2" = create ] || tar --create --file image.tar --directory {layout} .'},
        RUNNER_TEMP=str(temp),
        PLATFORM="linux/arm64",
        CONTEXT=".",
    )

    assert ran.code == 0, ran.output
    assert (tmp_path / ".output").read_text(encoding="utf-8") == f"digest={DIGEST}\n"
    assert (temp / "image" / "index.json").is_file()


@pytest.mark.parametrize(
    ("place", "step"),
    [
        ("preview.comment", "Write each stack's comment, or write it anew"),
        ("drift.report", "Open, renew or close each stack's issue"),
    ],
)
def test_of_a_stack_that_could_not_be_looked_at_nothing_is_said(
    place: str, step: str, tmp_path: Path
) -> None:
    ran = run(job(place).script(step), tmp_path, {"gh": "true"}, GITHUB_REPOSITORY="studio/backlot")

    assert (ran.code, ran.calls) == (0, [])


@needs_jq
def test_what_was_not_approved_is_not_brought_up(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_text('{"steps": [{"op": "delete", "urn": "a"}]}')
    ran = run(
        job("up.up").script("Review what is about to change"),
        tmp_path,
        {"pulumi": f"cat {tmp_path}/answer.json"},
        STACK="production",
        APPROVED="0" * 64,
    )

    assert ran.code == 1
    assert "would change otherwise than what was approved" in ran.output


@needs_jq
def test_drift_is_what_an_up_would_do_and_no_more(tmp_path: Path) -> None:
    steps = [
        {"op": "refresh", "urn": "urn:b"},
        {"op": "update", "urn": "urn:b"},
        {"op": "same", "urn": "urn:c"},
        {"op": "create", "urn": "urn:a"},
    ]
    (tmp_path / "answer.json").write_text(json.dumps({"steps": steps}))
    ran = run(
        job("drift.look").script("Compare AWS with the branch"),
        tmp_path,
        {"pulumi": f"cat {tmp_path}/answer.json"},
        STACK="dev",
    )

    # The preview role may read no secret's value.
    excluded = "--exclude **SecretVersion** --exclude **ssm/parameter:Parameter::secrets-**"
    assert ran.calls == [f"pulumi preview --stack dev --refresh --json {excluded}"]
    assert (tmp_path / "drift" / "changes.txt").read_text() == "create urn:a\nupdate urn:b\n"


@pytest.mark.parametrize(
    ("changes", "open_issue", "done"),
    [
        ("update urn:a\n", "", "gh issue create --title Drift in dev --body-file body.md"),
        ("update urn:a\n", "31", "gh issue edit 31 --body-file body.md"),
        ("", "31", "gh issue close 31 --comment Gone: https://run"),
        ("", "", None),
    ],
)
def test_each_stack_has_one_issue_for_as_long_as_it_drifts(
    tmp_path: Path, changes: str, open_issue: str, done: str | None
) -> None:
    drift = tmp_path / "drifts" / "drift-dev"
    drift.mkdir(parents=True)
    (drift / "changes.txt").write_text(changes, encoding="utf-8")
    ran = run(
        job("drift.report").script("Open, renew or close each stack's issue"),
        tmp_path,
        {"gh": f'[ "$2" != list ] || echo {open_issue}'},
        RUN="https://run",
    )

    assert ran.code == 0, ran.output
    assert ran.calls[1:] == ([done] if done else [])
    if changes:
        assert "update urn:a" in (tmp_path / "body.md").read_text(encoding="utf-8")


@proves("M119", "aivp", "ai-film-studio")
@pytest.mark.parametrize(
    ("earlier", "method"), [("", "--method POST"), ("99", "issues/comments/99")]
)
def test_a_stack_keeps_one_comment(tmp_path: Path, earlier: str, method: str) -> None:
    plan = tmp_path / "plans" / "plan-staging"
    plan.mkdir(parents=True)
    (plan / "review.md").write_text("Nothing changes.\n", encoding="utf-8")
    ran = run(
        job("preview.comment").script("Write each stack's comment, or write it anew"),
        tmp_path,
        {"gh": f'[ "$2" != --paginate ] || echo {earlier}'},
        NUMBER="5",
        GITHUB_REPOSITORY="studio/backlot",
    )

    assert ran.code == 0, ran.output
    assert method in ran.calls[1]
    assert (tmp_path / "comment.md").read_text(encoding="utf-8") == (
        "<!-- preview of staging -->\n## staging\n\nNothing changes.\n"
    )


def given_anew(definition: str) -> dict[str, Any]:
    """A plan in which the API gets a queue that is not there yet, with a dead-letter queue."""

    def step(op: str, name: str, *needs: str) -> dict[str, Any]:
        state = {"dependencies": [f"urn::{one}" for one in needs]}
        return {"op": op, "urn": f"urn::{name}", "newState": state}

    return {
        "steps": [
            step("create", "queue-dead"),
            step("create", "queue", "queue-dead"),
            step("update", "role"),
            step("create", "another-bucket"),
            step("create-replacement", definition, "queue", "role", "vpc"),
            step("replace", definition, "queue", "role", "vpc"),
            {"op": "delete-replaced", "urn": f"urn::{definition}"},
        ]
    }


@needs_jq
@needs_yq
@pytest.mark.parametrize(
    ("api", "target"),
    [
        ("{kind: fargate, fargate: {strategy: blue_green}, deployment: {migration: {}}}", None),
        (
            "{kind: fargate, fargate: {strategy: rolling}, deployment: {migration: {}}}",
            "**::api-definition",
        ),
        ("{kind: ec2, deployment: {migration: {}}}", "**::api-migration-definition"),
        ("{kind: beanstalk, deployment: {migration: {}}}", "**::api-migration-definition"),
        ("{kind: ec2, deployment: {}}", None),
    ],
)
def test_a_database_is_migrated_first_where_ecs_does_not_do_it(
    tmp_path: Path, api: str, target: str | None
) -> None:  # M113
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config:\n  backlot:api: {api}\n")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/bash\necho "python $*" >> {tmp_path}/.calls\n')
    python.chmod(0o755)
    (tmp_path / "preview.json").write_text(json.dumps(given_anew("api-migration-definition")))
    ran = run(
        job("up.up").script("Migrate first, where ECS does not"),
        tmp_path,
        {"pulumi": "true"},
        STACK="dev",
    )

    assert ran.code == 0, ran.output
    ups = [call for call in ran.calls if call.startswith("pulumi up")]
    first = f"pulumi up --stack dev --yes --skip-preview --target {target}"
    new = "" if target == "**::api-definition" else " --target=urn::queue --target=urn::queue-dead"
    assert ups == ([f"{first}{new}"] if target else [])
    migrate = "python -m operations.gate migrate dev --outputs outputs.json"
    assert (migrate in ran.calls) == bool(target)
