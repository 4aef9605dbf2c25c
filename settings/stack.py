"""The whole of one stack's settings."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from settings.api import ApiSettings
from settings.audit import AuditSettings
from settings.backups import BackupsSettings
from settings.buckets import BucketsSettings
from settings.budget import BudgetSettings
from settings.business import BusinessSettings
from settings.cache import CacheSettings
from settings.canary import CanarySettings
from settings.cdn import CdnSettings
from settings.database import DatabaseSettings
from settings.domain import DomainSettings
from settings.fields import Name, Section
from settings.firewall import FirewallSettings
from settings.gpu import QuotaSettings
from settings.keys import KeysSettings
from settings.load_balancer import LoadBalancerSettings
from settings.logs import LogsSettings
from settings.network import NetworkSettings
from settings.notices import NoticesSettings
from settings.platform import PlatformSettings
from settings.queues import QueueSettings
from settings.redis_queues import RedisQueueSettings
from settings.registry import RegistrySettings
from settings.secrets import SecretSettings
from settings.services import ServiceSettings
from settings.tracing import TracingSettings
from settings.upkeep import UpkeepSettings
from settings.uptime import UptimeSettings
from settings.users import UsersSettings
from settings.workers import WorkerSettings


class Settings(Section):
    """A stack file, read and judged. The order is the picture's, from the ground up."""

    stack: str
    """The stack's name: `dev`."""
    region: str
    """From `aws:region`."""
    platform: PlatformSettings
    """What the platform is called, who owns it, and whether it is guarded."""
    network: NetworkSettings
    """The address space, its zones and its ways out."""
    keys: KeysSettings
    """Who owns the keys that encrypt data and logs."""
    logs: LogsSettings
    """How long log groups keep what they are told."""
    notices: NoticesSettings
    """Who hears of what, by severity."""
    database: DatabaseSettings
    """PostgreSQL on RDS."""
    cache: CacheSettings
    """Valkey or Redis on ElastiCache."""
    buckets: BucketsSettings
    """Media, static files, backups, and the logs of everything."""
    queues: dict[Name, QueueSettings] = Field(default_factory=dict, examples=[{"render": {}}])
    """One work queue per name, each with its dead-letter queue."""
    redis_queues: dict[Name, RedisQueueSettings] = Field(
        default_factory=dict, examples=[{"celery": {}}]
    )
    """Queues in the cache, for Celery with Redis as its broker."""
    secrets: dict[Name, SecretSettings] = Field(
        default_factory=dict, examples=[{"openai": {"environment": "OPENAI_API_KEY"}}]
    )
    """A shell per third-party key. Values never stand here."""
    registry: RegistrySettings
    """The image repositories."""
    domain: DomainSettings | None = None
    """The DNS zone and the names in it. Absent: the load balancer's own name, plain HTTP."""
    firewall: FirewallSettings | None = None
    """AWS WAF in front of everything public. Absent: nothing stands before it."""
    load_balancer: LoadBalancerSettings
    """The public door of the API."""
    api: ApiSettings
    """Where the API runs, how large, how it scales, and how a new version gets in."""
    services: dict[Name, ServiceSettings] = Field(default_factory=dict)
    """Further containers beside the API, one ECS service per name."""
    workers: dict[Name, WorkerSettings] = Field(default_factory=dict)
    """Fleets that take jobs off a queue, one per name."""
    gpu_quota: QuotaSettings | None = None
    """What the account may run of GPUs. Absent: not checked here; AWS says it too late."""
    cdn: CdnSettings | None = None
    """CloudFront before the site, the media and the installers. Absent: none of it is served."""
    users: UsersSettings | None = None
    """The user pool that people sign in to. Absent: sign-in is somebody else's."""
    uptime: UptimeSettings | None = None
    """Questions from outside. Absent: only the stack's own metrics tell."""
    canary: CanarySettings | None = None
    """A journey through the API, walked every few minutes. Absent: nobody walks it."""
    business: BusinessSettings | None = None
    """The studio's own figures: how long, how well and at what cost. Absent: only AWS's."""
    tracing: TracingSettings | None = None
    """Where a request spent its time. Absent: no traces are taken."""
    audit: AuditSettings | None = None
    """Who did what in the account. Absent: it is watched elsewhere, or not."""
    backups: BackupsSettings | None = None
    """Backups beside the database's own, and copies elsewhere. Absent: the database's own alone."""
    upkeep: UpkeepSettings | None = None
    """What is cleared away once a day. Absent: nothing that lifecycle rules do not reach."""
    budget: BudgetSettings
    """What the stack may cost."""

    @property
    def edge_names(self) -> tuple[str, ...]:
        """The names that CloudFront answers for, and so needs a certificate for."""
        if self.domain is None:
            return ()
        names = [name for name in (self.domain.app, self.domain.cdn) if name]
        if self.load_balancer.reached_through == "cloudfront":
            names = [self.domain.api, *self.domain.alternative_names, *names]
        return tuple(names)

    @property
    def has_cloudfront(self) -> bool:
        """Whether CloudFront stands before something."""
        return self.cdn is not None or self.load_balancer.reached_through == "cloudfront"

    @property
    def has_edge(self) -> bool:
        """Whether something of it is run from us-east-1: CloudFront, or Route 53's checks."""
        return self.has_cloudfront or self.uptime is not None

    @property
    def prefix(self) -> str:
        """Leads every physical name: `backlot-dev`."""
        return f"{self.platform.name}-{self.stack}"

    @property
    def tags(self) -> Mapping[str, str]:
        """What every resource carries."""
        return {
            **self.platform.tags,
            "Project": self.platform.name,
            "Environment": self.stack,
            "ManagedBy": "pulumi",
        }
