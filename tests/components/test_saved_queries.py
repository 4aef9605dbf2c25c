"""Saved queries: components/saved_queries.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from components.logs import Logs
from components.saved_queries import QUERIES, SavedQueries, SavedQueriesArgs
from settings.logs import LogsSettings
from tests.components.parts import PREFIX, ground
from tests.recorder import ROOT, Recorded, aws_provider, record, with_aws

Made = tuple[SavedQueries, Recorded]

BEANSTALK = f"/aws/elasticbeanstalk/{PREFIX}-api/var/log"


def queries(paths: Sequence[str], elsewhere: Sequence[str] = ()) -> Made:
    """Over groups of these paths; those `elsewhere` are in us-west-2."""
    made: list[SavedQueries] = []

    def program() -> None:
        opts = with_aws(aws_provider())
        logs = Logs(settings=LogsSettings(retention_days=7), prefix=PREFIX, key_arn=None)
        for path in paths:
            logs.group_called(path, path, opts)
        for path in elsewhere:
            logs.group_called(path, path, opts, region="us-west-2")
        args = SavedQueriesArgs(ground=replace(ground(), logs=logs))
        made.append(SavedQueries("saved-queries", args, opts))

    recorded = record(program)
    return made[0], recorded


def asked(recorded: Recorded) -> dict[str, list[str]]:
    """Which groups each query reads, by its name."""
    return {
        query["name"]: query["log_group_names"]
        for query in recorded.all("cloudwatch.QueryDefinition")
    }


def test_people_find_them_below_the_name_of_the_stack():  # M90
    component, recorded = queries([f"/vpc/{PREFIX}-flow-logs"])

    assert component.names == ("network/rejected-flows",)
    [query] = recorded.all("cloudwatch.QueryDefinition")
    assert query.name == "saved-queries-network-rejected-flows"
    assert query["name"] == "backlot-dev/network/rejected-flows"
    assert query["log_group_names"] == ["/vpc/backlot-dev-flow-logs"]


def test_a_query_whose_groups_do_not_exist_is_not_made():  # M90
    component, recorded = queries([f"/other/{PREFIX}-thing"])

    assert component.names == ()
    assert recorded.all("cloudwatch.QueryDefinition") == []


@pytest.mark.parametrize(
    "path",
    [
        f"/ecs/{PREFIX}-api",
        f"/ec2/{PREFIX}-api",
        f"{BEANSTALK}/eb-docker/containers/eb-current-app/stdouterr.log",
    ],
)
def test_the_api_is_asked_wherever_it_runs(path: str):  # M90
    component, recorded = queries([path, f"/ecs/{PREFIX}-api-migration"])

    assert asked(recorded)["backlot-dev/api/errors-by-path"] == [path]
    assert "api/slowest-requests" in component.names


def test_workers_are_asked_together_and_shell_sessions_never():  # M90
    fleets = [f"/ecs/{PREFIX}-worker-render", f"/ec2/{PREFIX}-worker-encode"]
    sessions = f"/ecs/{PREFIX}-worker-render-sessions"
    _, recorded = queries([*fleets, sessions, f"/ecs/{PREFIX}-api"])

    assert asked(recorded)["backlot-dev/workers/failed-jobs"] == fleets
    assert sessions not in asked(recorded)["backlot-dev/memory/killed"]


def test_a_fleet_that_is_called_sessions_is_asked_all_the_same():  # M90
    fleet = f"/ecs/{PREFIX}-worker-sessions"
    _, recorded = queries([fleet])
    assert asked(recorded)["backlot-dev/workers/failed-jobs"] == [fleet]


def test_primary_and_replicas_are_asked_for_slow_statements():  # M90
    instances = [
        f"/aws/rds/instance/{PREFIX}-database/postgresql",
        f"/aws/rds/instance/{PREFIX}-database-replica-1/postgresql",
    ]
    _, recorded = queries([*instances, f"/aws/rds/instance/{PREFIX}-database/upgrade"])
    assert asked(recorded)["backlot-dev/database/slow-statements"] == instances


def test_a_query_lives_in_the_region_of_the_groups_it_reads():  # M90, B55
    here, there = f"aws-waf-logs-{PREFIX}-regional", f"aws-waf-logs-{PREFIX}-edge"
    _, recorded = queries([here], [there])
    name = "saved-queries-firewall-stopped-or-counted"
    own = recorded.one("cloudwatch.QueryDefinition", name)
    edge = recorded.one("cloudwatch.QueryDefinition", f"{name}-us-west-2")

    assert own["log_group_names"] == [here]
    assert "region" not in own
    assert edge["log_group_names"] == [there]
    assert edge["region"] == "us-west-2"
    assert own["name"] == edge["name"]


def test_more_groups_than_one_query_reads_are_shared_out():  # M90
    fleets = [f"/ecs/{PREFIX}-worker-{number}" for number in range(60)]
    _, recorded = queries(fleets)

    assert len(asked(recorded)["backlot-dev/workers/failed-jobs"]) == 50
    assert asked(recorded)["backlot-dev/workers/failed-jobs-2"] == fleets[50:]


def test_a_query_goes_out_as_lines_without_the_programs_indentation():
    _, recorded = queries([f"/vpc/{PREFIX}-flow-logs"])
    lines = recorded.one("cloudwatch.QueryDefinition")["query_string"].split("\n")

    assert lines[0] == 'filter action = "REJECT"'
    assert all(line == line.strip() for line in lines)


def test_the_runbook_names_every_query_and_no_other():  # M90
    page = (ROOT / "docs" / "runbooks" / "logs.md").read_text()
    table = page.partition("## Saved queries")[2]
    named = re.findall(r"^\| `([a-z/-]+)` \|", table, flags=re.MULTILINE)

    assert named == list(QUERIES)


def test_other_pages_name_queries_that_exist():
    named = {
        query
        for page in (ROOT / "docs").rglob("*.md")
        for query in re.findall(r"saved query `<prefix>/([a-z/-]+)`", page.read_text())
    }
    assert named <= set(QUERIES)


def test_each_query_finds_groups_in_a_stack_that_has_everything(
    stack_graph: Callable[..., Recorded],
):  # M90
    """The patterns fit the paths that the program really gives its groups."""
    paths = {
        group["name"]
        for variant in ("ec2", "beanstalk", "behind-gateway", "fleets")
        for group in stack_graph("staging", variant).all("cloudwatch.LogGroup")
    }
    staging = [path.replace("backlot-staging", PREFIX) for path in sorted(paths)]
    component, _ = queries([*staging, f"/cloudtrail/{PREFIX}-trail"])

    assert component.names == tuple(QUERIES)
