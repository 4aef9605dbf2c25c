"""Saved queries: what people ask the logs at night, ready in CloudWatch Logs Insights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pulumi
import pulumi_aws as aws

from components.ground import Ground
from components.logs import KeptGroup
from components.naming import portions

MOST_GROUPS = 50
"""Log groups that one query may read.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatchlogs_limits.html"""

TRANSCRIPTS = "-sessions"
"""How the group of a service's shell sessions ends. What people typed there is no log."""

BEANSTALK = "/aws/elasticbeanstalk/api/var/log"
API = ("/ecs/api", "/ec2/api", f"{BEANSTALK}/eb-docker/containers/*/stdouterr.log")
WORKERS = ("/ecs/worker-*", "/ec2/worker-*")
CONTAINERS = ("/ecs/*", *API[1:], WORKERS[1])
POSTGRES = ("/aws/rds/instance/database*/postgresql",)
TRAIL = ("/cloudtrail/trail",)


@dataclass(frozen=True, kw_only=True)
class SavedQuery:
    groups: Sequence[str]
    """Patterns of what the groups are told of, as `KeptGroup.what` has it."""
    text: str
    """In the language of Logs Insights. How far back it looks is chosen where it is run."""


QUERIES: Mapping[str, SavedQuery] = {
    "api/errors-by-path": SavedQuery(
        groups=API,
        text="""
            filter status >= 500 or level in ["error", "critical", "ERROR", "CRITICAL"]
            | stats count(*) as errors, latest(event) as last by method, path, status
            | sort errors desc
            | limit 50""",
    ),
    "api/error-lines": SavedQuery(
        groups=API,
        text="""
            filter @message like /(?i)(error|exception|traceback|critical)/
            | fields @timestamp, @logStream, @message
            | sort @timestamp desc
            | limit 200""",
    ),
    "api/slowest-requests": SavedQuery(
        groups=API,
        text="""
            filter ispresent(duration_ms)
            | stats count(*) as requests, pct(duration_ms, 50) as p50, pct(duration_ms, 95) as p95,
                max(duration_ms) as slowest by method, path
            | sort p95 desc
            | limit 50""",
    ),
    "api/gateway-errors-by-path": SavedQuery(
        groups=("/apigateway/api",),
        text="""
            filter status >= 500
            | stats count(*) as errors, latest(backendStatus) as backend,
                latest(backendError) as reason by method, path, status
            | sort errors desc
            | limit 50""",
    ),
    "api/gateway-slowest-requests": SavedQuery(
        groups=("/apigateway/api",),
        text="""
            stats count(*) as requests, pct(milliseconds, 50) as p50, pct(milliseconds, 95) as p95,
                max(milliseconds) as slowest by method, path
            | sort p95 desc
            | limit 50""",
    ),
    "api/nginx-errors-by-path": SavedQuery(
        groups=(f"{BEANSTALK}/nginx/access.log",),
        text="""
            parse @message '"* * *" * ' as method, path, protocol, answered
            | filter answered >= 500
            | stats count(*) as errors by method, path, answered
            | sort errors desc
            | limit 50""",
    ),
    "deployments/refusals": SavedQuery(
        groups=("/deployments/api",),
        text="""
            filter level = "ERROR"
            | fields @timestamp, check, through, status, expectedBuild, foundBuild, error, message
            | sort @timestamp desc
            | limit 100""",
    ),
    "workers/failed-jobs": SavedQuery(
        groups=WORKERS,
        text="""
            filter Failed = 1
            | fields @timestamp, Fleet, job, JobSeconds, @logStream
            | sort @timestamp desc
            | limit 200""",
    ),
    "workers/reasons": SavedQuery(
        groups=WORKERS,
        text=r"""
            filter @message like /\b(WARNING|ERROR|CRITICAL)\b/ or level in ["warning", "error"]
            | fields @timestamp, @logStream, @message
            | sort @timestamp desc
            | limit 200""",
    ),
    "workers/durations-by-fleet": SavedQuery(
        groups=WORKERS,
        text="""
            filter ispresent(JobSeconds)
            | stats count(*) as jobs, sum(Failed) as failed, pct(JobSeconds, 50) as p50,
                pct(JobSeconds, 95) as p95, max(JobSeconds) as longest by Fleet""",
    ),
    "database/slow-statements": SavedQuery(
        groups=POSTGRES,
        text=r"""
            filter @message like "duration: "
            | parse @message /duration: (?<took>[0-9.]+) ms\s+[^:]+: (?<statement>[\s\S]+)/
            | fields substr(statement, 0, 200) as begins
            | stats count(*) as times, avg(took) as mean_ms, max(took) as slowest_ms by begins
            | sort slowest_ms desc
            | limit 50""",
    ),
    "database/errors": SavedQuery(
        groups=POSTGRES,
        text="""
            filter @message like /:(ERROR|FATAL|PANIC):/
            | fields @timestamp, @log, @message
            | sort @timestamp desc
            | limit 200""",
    ),
    "cache/slow-commands": SavedQuery(
        groups=("/elasticache/cache/slow-log",),
        text="""
            stats count(*) as times, avg(`Duration (us)` / 1000) as mean_ms,
                max(`Duration (us)` / 1000) as slowest_ms by Command
            | sort slowest_ms desc
            | limit 50""",
    ),
    "network/rejected-flows": SavedQuery(
        groups=("/vpc/flow-logs",),
        text="""
            filter action = "REJECT"
            | stats count(*) as flows, sum(packets) as packets
                by srcAddr, dstAddr, dstPort, protocol
            | sort flows desc
            | limit 100""",
    ),
    "firewall/stopped-or-counted": SavedQuery(
        groups=("aws-waf-logs-regional", "aws-waf-logs-edge"),
        text="""
            fields coalesce(nonTerminatingMatchingRules.0.ruleId, terminatingRuleId) as rule
            | stats count(*) as requests by action, rule, httpRequest.clientIp, httpRequest.uri
            | sort requests desc
            | limit 100""",
    ),
    "functions/errors": SavedQuery(
        groups=("/aws/lambda/*",),
        text="""
            filter level in ["ERROR", "CRITICAL"] or ispresent(errorType)
            | fields @timestamp, @log, message, errorType, errorMessage
            | sort @timestamp desc
            | limit 100""",
    ),
    "memory/killed": SavedQuery(
        groups=(*CONTAINERS, "/aws/lambda/*"),
        text="""
            filter @message like /(?i)(out ?of ?memory|oom.?kill|memoryerror|signal: killed)/
            | fields @timestamp, @log, @logStream, @message
            | sort @timestamp desc
            | limit 100""",
    ),
    "audit/denied-calls": SavedQuery(
        groups=TRAIL,
        text="""
            filter errorCode like /AccessDenied|UnauthorizedOperation/
            | stats count(*) as calls, latest(errorMessage) as last
                by userIdentity.arn, eventSource, eventName, sourceIPAddress
            | sort calls desc
            | limit 100""",
    ),
    "audit/changes": SavedQuery(
        groups=TRAIL,
        text="""
            filter userIdentity.type != "AWSService"
                and eventName not like /^(AssumeRole|Decrypt|Describe|Generate|Get|Head|List)/
            | fields @timestamp, userIdentity.arn, eventSource, eventName, awsRegion,
                sourceIPAddress, errorCode
            | sort @timestamp desc
            | limit 200""",
    ),
}
"""By name; docs/runbooks/logs.md says which question each answers.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""


@dataclass(frozen=True, kw_only=True)
class SavedQueriesArgs:
    ground: Ground
    """Its logs know every group that there is to ask."""


class SavedQueries(pulumi.ComponentResource):
    """`<prefix>/api/errors-by-path` and others, each over the groups that it concerns (M90).

    A query none of whose groups exist is not made; one whose groups lie in another region is made
    there. Make it after everything that keeps a log.

    Cost: none to keep; 0.005 USD per GB that a query reads (us-east-1, 2026).
    """

    names: tuple[str, ...]
    """Those made, without the prefix."""

    def __init__(
        self, name: str, args: SavedQueriesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("backlot:saved_queries:SavedQueries", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        made = args.ground.logs.made
        asked = {query: _concerned(saved, made) for query, saved in QUERIES.items()}
        for query, groups in asked.items():
            _define(f"{name}-{query.replace('/', '-')}", query, groups, args.ground.prefix, child)

        self.names = tuple(query for query, groups in asked.items() if groups)
        self.register_outputs({"names": list(self.names)})


def _concerned(query: SavedQuery, made: Sequence[KeptGroup]) -> tuple[KeptGroup, ...]:
    names = {group.what for group in made}
    return tuple(
        group
        for group in made
        if any(fnmatchcase(group.what, pattern) for pattern in query.groups)
        and not (group.what.endswith(TRANSCRIPTS) and group.what.removesuffix(TRANSCRIPTS) in names)
    )


def _define(
    name: str,
    query: str,
    groups: Sequence[KeptGroup],
    prefix: str,
    opts: pulumi.ResourceOptions,
) -> None:
    by_region: dict[str | None, list[KeptGroup]] = {}
    for group in groups:
        by_region.setdefault(group.region, []).append(group)
    for region, there in by_region.items():
        where = f"-{region}" if region else ""
        for which, portion in portions(there, MOST_GROUPS):
            aws.cloudwatch.QueryDefinition(
                f"{name}{where}{which}",
                name=f"{prefix}/{query}{which}",
                query_string=_tidy(QUERIES[query].text),
                log_group_names=[group.name for group in portion],
                region=region,
                opts=opts,
            )


def _tidy(text: str) -> str:
    """Without the program's own indentation."""
    return "\n".join(line.strip() for line in text.strip().splitlines())
