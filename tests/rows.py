"""What each of the five briefs asks for, row by row, and the mark of the tests that prove it.

    @proves("M107", "zapcut", "muejam")
    def test_states_are_versioned_and_encrypted() -> None: ...

says that this test fails when the row is not kept for these systems. `tests/coverage_table.py`
collects the marks without running anything, and writes docs/coverage.md; so what the mark names
stands there as it is, in quotes. `tests/examples/systems.py` has a second mark, `asks`, for tests
that look at a system's own stacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

SYSTEMS: Mapping[str, str] = {
    "zapcut": "Zapcut",
    "aivp": "AIVP",
    "ai-film-studio": "AI Film Studio",
    "muejam": "MueJam",
    "autoblog": "AutoBlog",
}
"""By the folder of its stack files in `examples/`."""

LETTERS: Mapping[str, str] = dict(zip(SYSTEMS, "ZVFMA", strict=True))
"""How docs/coverage.md calls them."""

_Test = TypeVar("_Test", bound=Callable[..., object])


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the briefs, by its number in docs/requirements.md."""

    asked: str
    systems: tuple[str, ...]
    """Those whose brief asks for it."""
    not_built: Mapping[str, str] = field(default_factory=dict)
    """Why, for the systems that do not get it."""
    but: str = ""
    """The part of it that is not built, or is built otherwise, and why."""


def _row(asked: str, letters: str, *, but: str = "", **not_built: str) -> Row:
    called = {letter: system for system, letter in LETTERS.items()}
    return Row(
        asked=asked,
        systems=tuple(called[letter] for letter in letters),
        not_built={called[letter]: why for letter, why in not_built.items()},
        but=but,
    )


ROWS: Mapping[str, Row] = {
    "M1": _row("VPC with DNS support and hostnames", "ZFMA"),
    "M2": _row("Public subnet per zone", "ZMA", but="at fixed slots, not the briefs' addresses"),
    "M3": _row("Private subnets for what runs", "ZFMA"),
    "M4": _row("Database subnets without a way to the internet", "ZMA"),
    "M5": _row("2 or 3 zones", "ZMA", but="named in the stack file, never discovered"),
    "M6": _row("Internet gateway", "MA"),
    "M7": _row("NAT gateway per zone in production, one elsewhere", "ZMA"),
    "M8": _row("Route tables per tier", "MA"),
    "M9": _row("Security groups chained by reference", "FMA"),
    "M10": _row("Network ACLs", "ZF"),
    "M11": _row("VPC endpoints", "F"),
    "M12": _row("A VPC or an account per environment", "FM"),
    "M13": _row("DNS zone and aliases", "ZF"),
    "M14": _row("Certificate, validated by DNS, with further names", "ZVFM"),
    "M15": _row("Load balancer in the public subnets, ending TLS", "ZFMA"),
    "M16": _row("Listener on 443, and 80 redirects to it", "M"),
    "M17": _row("TLS 1.2 or newer everywhere", "F"),
    "M18": _row("Health check on /health", "VM"),
    "M19": _row("CloudFront in front of the assets", "ZVFA"),
    "M20": _row("Origin access control", "F"),
    "M21": _row("CORS on the asset bucket", "ZM"),
    "M22": _row("Static site: cache headers, invalidation, the old build kept", "F"),
    "M23": _row("Firewall", "F"),
    "M24": _row("Rate limits", "F"),
    "M25": _row("API Gateway in front, optional", "A"),
    "M26": _row("Uptime check that alerts", "V", but="Route 53 in place of UptimeRobot or Pingdom"),
    "M27": _row("ECS cluster", "VFA"),
    "M28": _row("Container Insights", "FA"),
    "M29": _row("API on Fargate, 2 to 10 tasks", "VFA"),
    "M30": _row("Task in awsvpc mode, sized by settings, port 8000", "A"),
    "M31": _row("A role to start the task, another for its code", "FA"),
    "M32": _row("Secrets injected at start", "ZVA"),
    "M33": _row("awslogs to a group per service", "A"),
    "M34": _row("Container health check: 30 s, 5 s, 3 tries, 60 s to start", "A"),
    "M35": _row("Scaling on CPU at 70 %", "FA"),
    "M36": _row("Scaling on memory at 80 %", "FA"),
    "M37": _row("Rolling deployment between 100 and 200 %", "A"),
    "M38": _row("API on an EC2 group behind the load balancer", "M"),
    "M39": _row("Scaling of the group on CPU", "M", but="aims at 60 %, so that the alarm is rare"),
    "M40": _row("API on Elastic Beanstalk, 2 to 10 instances", "Z"),
    "M41": _row("Versions by commit, 300 s to recover", "Z"),
    "M42": _row("Shell for operators", "M", but="Session Manager, not an SSH key pair"),
    "M43": _row(
        "Kubernetes manifests, optional",
        "F",
        F="two orchestrators would be twice the work of every change; ECS carries all of it",
    ),
    "M44": _row("Celery workers on ECS, 4 jobs at once", "A"),
    "M45": _row("One Celery beat, never two", "A"),
    "M46": _row("Celery workers on EC2, a machine image per commit", "Z"),
    "M47": _row("Workers rolled when the image changes", "Z"),
    "M48": _row("GPU fleet of g4dn and g5", "F"),
    "M49": _row("70 % spot, sized by environment", "F"),
    "M50": _row("GPU service on its own cluster", "F"),
    "M51": _row("Scaling on the depth of the queue", "ZF"),
    "M52": _row("To zero in dev", "F"),
    "M53": _row("SQS queue and dead-letter queue", "ZF"),
    "M54": _row("Worker role: S3, SQS, secrets", "ZF"),
    "M55": _row("Redis as Celery's broker", "VA"),
    "M56": _row("Lambda for upkeep", "ZF"),
    "M57": _row("PostgreSQL on RDS", "ZVFMA", but="by major version; RDS keeps the minor current"),
    "M58": _row("Database class by environment", "ZFM"),
    "M59": _row("gp3; 100 GB growing to 500", "ZMA"),
    "M60": _row("Encrypted storage", "FA"),
    "M61": _row("Multi-AZ by environment", "ZFM"),
    "M62": _row("Read replicas", "FMA"),
    "M63": _row("Backups and windows", "ZA"),
    "M64": _row("Deletion protection and final snapshot in production alone", "A"),
    "M65": _row("Statements above 1 s logged", "VA", but="every DDL, not every statement"),
    "M66": _row("Performance Insights, monitoring every 60 s", "MA"),
    "M67": _row("Credentials in Secrets Manager", "ZVF"),
    "M68": _row("Not public; its own subnet group and security group", "MA"),
    "M69": _row("Redis sized by environment", "ZMA"),
    "M70": _row("Failover and several zones", "MA"),
    "M71": _row("Auth token", "M"),
    "M72": _row("TLS in transit, encryption at rest", "FA"),
    "M73": _row("Redis parameter group", "MA"),
    "M74": _row("Buckets per purpose", "ZVFM"),
    "M75": _row("Versioning", "ZFM"),
    "M76": _row("Encryption by default", "ZF"),
    "M77": _row("No public access, bucket policies", "FM"),
    "M78": _row("Lifecycle; backups kept 90 days", "M"),
    "M79": _row("Intelligent-Tiering", "F"),
    "M80": _row("Bucket for installers, with an update feed", "V"),
    "M81": _row("Cognito user pool and client", "Z"),
    "M82": _row("Secrets for third-party keys", "ZV", but="a secret per key, not one for all"),
    "M83": _row("SSM parameters", "A"),
    "M84": _row("KMS keys", "F"),
    "M85": _row("Roles with the least privilege", "ZF"),
    "M86": _row("CI credentials per environment", "ZFA", but="OIDC, no long-lived key"),
    "M87": _row("MFA for production, CloudTrail", "M"),
    "M88": _row("Log group per service, with its retention", "ZVA"),
    "M89": _row("Logs to S3, kept 90 days", "Z"),
    "M90": _row("Structured logs that can be searched", "ZV"),
    "M91": _row("Dashboard", "ZA"),
    "M92": _row("Figures of the business", "ZV"),
    "M93": _row("Alarm: more than 10 errors in 300 s, twice", "Z"),
    "M94": _row("Alarms: unhealthy targets, response time", "M"),
    "M95": _row("Alarms: database CPU, connections, replica lag", "ZFM"),
    "M96": _row("Alarms: ECS CPU above 85 %, group above 70 %", "MA"),
    "M97": _row("Alarms: Redis CPU, memory, evictions", "M"),
    "M98": _row("Alarms: more than 50 jobs waiting, a dead letter", "ZF"),
    "M99": _row("Alarm: fewer than 0.85 succeed over 1800 s", "Z"),
    "M100": _row("Alarm: bucket above 107374182400 bytes", "M"),
    "M101": _row("Topics by severity", "ZF"),
    "M102": _row("Deployment and scaling notices", "ZF"),
    "M103": _row(
        "Sentry, Datadog",
        "ZV",
        Z="Datadog is optional in the brief, and CloudWatch has its alarms and dashboards",
    ),
    "M104": _row(
        "Tracing; Prometheus and Grafana",
        "F",
        but="X-Ray alone; Prometheus and Grafana are optional in the brief, and not built",
    ),
    "M105": _row("Proof that alerts fire", "V"),
    "M106": _row("Idempotent program, one command to deploy", "VFM"),
    "M107": _row("Remote, encrypted, locked state", "ZVFMA", but="Pulumi's own lock, no DynamoDB"),
    "M108": _row("Environments from configuration", "ZVFMA"),
    "M109": _row("Default tags and names", "FA"),
    "M110": _row("Outputs of the stack", "M"),
    "M111": _row("ECR, tags by commit", "VFA", but="no `latest`: tags never move, digests deploy"),
    "M112": _row("Images scanned", "FA", but="Trivy and ECR; Snyk needs an account of its own"),
    "M113": _row("Migration before the new version; a failure blocks it", "V"),
    "M114": _row("Smoke tests in under 2 minutes; a failure goes back", "V"),
    "M115": _row("Rollback by itself", "VF"),
    "M116": _row("Blue/green in production; canary", "F"),
    "M117": _row(
        "Deploy in 10 minutes, provision and recover in 30, 95 % succeed",
        "ZV",
        but="each release is timed and held to 10 minutes; the rest only an account can show",
    ),
    "M118": _row("Promotion by branch, approval before production", "VF"),
    "M119": _row("Plan on the pull request, gates, manual dispatch", "VF"),
    "M120": _row("Local stack with compose", "FA"),
    "M121": _row("Billing alerts, at the briefs' sums", "VFM"),
    "M122": _row(
        "Cost estimate on the pull request, optional",
        "F",
        but="at us-east-1's prices; use is named, not guessed",
    ),
    "M123": _row("Disaster recovery: backups, copies, state", "FM"),
    "M124": _row(
        "Chaos and load tests, optional",
        "F",
        F="not yet; they need a running account. What a lost instance does to a job is proven by "
        "the worker's conformance test",
    ),
    "M125": _row("Compliance checks in CI", "F"),
    "M126": _row("API URL handed to the frontend", "V"),
}


def proves(*names: str) -> Callable[[_Test], _Test]:
    """Mark a test as the proof of rows (`M107`) for systems (`zapcut`), named in any order.

    Raises ValueError when a name is neither, or a brief does not ask for the row.
    """
    known(*names)
    return lambda test: test


def known(*names: str) -> tuple[list[str], list[str]]:
    """The rows and the systems among `names`."""
    rows = [name for name in names if name in ROWS]
    systems = [name for name in names if name in SYSTEMS]
    strange = [name for name in names if name not in ROWS and name not in SYSTEMS]
    if strange or not rows or not systems:
        raise ValueError(f"{', '.join(strange) or names}: name rows such as M1, and systems")
    for row in rows:
        if astray := [system for system in systems if system not in ROWS[row].systems]:
            raise ValueError(f"{row}: the brief of {', '.join(astray)} does not ask for it")
        if refused := [system for system in systems if system in ROWS[row].not_built]:
            raise ValueError(f"{row} is listed as not built for {', '.join(refused)}")
    return rows, systems
