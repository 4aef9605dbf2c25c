"""The platform as one program: the stack's file chooses the sizing, this one wires the parts."""

import pulumi
import pulumi_aws as aws

import settings
from components.alarms import AlarmSet
from components.api.fargate import FargateApi, FargateApiArgs
from components.api.load_balancer import LoadBalancer, LoadBalancerArgs
from components.budget import Budget, BudgetArgs
from components.dashboard import Dashboard, DashboardArgs
from components.domain import Domain, DomainArgs
from components.ground import Place
from components.keys import Keys, KeysArgs
from components.logs import Logs
from components.network import Network, NetworkArgs
from components.notices import Notices, NoticesArgs
from components.queues import WorkQueue, WorkQueueArgs
from components.registry import Registry, RegistryArgs
from components.secrets import Secrets, SecretsArgs
from components.stores.buckets import Buckets, BucketsArgs
from components.stores.cache import Cache, CacheArgs
from components.stores.database import Database, DatabaseArgs
from components.workers.gpu import GpuFleet, GpuFleetArgs

stack = settings.load()
provider = aws.Provider(
    "aws",
    region=stack.region,
    allowed_account_ids=list(stack.platform.account_ids) or None,
    default_tags=aws.ProviderDefaultTagsArgs(tags=dict(stack.tags)),
)
account_id = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(provider=provider)).account_id
here = pulumi.ResourceOptions(provider=provider)
kept = pulumi.ResourceOptions(provider=provider, protect=stack.platform.protect)
place = Place.of(stack, account_id)

keys = Keys("keys", KeysArgs(settings=stack.keys, place=place), kept)
logs = Logs(settings=stack.logs, prefix=stack.prefix, key_arn=keys.logs_arn)
notices = Notices("notices", NoticesArgs(settings=stack.notices, place=place, keys=keys), here)
network = Network("network", NetworkArgs(settings=stack.network, place=place, logs=logs), here)
ground = network.ground(place, data_key_arn=keys.data_arn, logs=logs)

database = Database("database", DatabaseArgs(settings=stack.database, ground=ground), kept)
cache = Cache("cache", CacheArgs(settings=stack.cache, ground=ground), kept)
buckets = Buckets("buckets", BucketsArgs(settings=stack.buckets, ground=ground), kept)
queues = {
    name: WorkQueue(
        f"queue-{name}", WorkQueueArgs(settings=sizing, queue=name, ground=ground), here
    )
    for name, sizing in stack.queues.items()
}
values = settings.secret_values()
secrets = Secrets(
    "secrets", SecretsArgs(settings=stack.secrets, ground=ground, values=values), here
)
images = Registry("registry", RegistryArgs(settings=stack.registry, ground=ground), here)
stores = [database.access(), cache.access(), buckets.media.access()]
senders = [queue.sender() for queue in queues.values()]

domain = Domain("domain", DomainArgs(settings=stack.domain), kept) if stack.domain else None
balancer = LoadBalancer(
    "load-balancer",
    LoadBalancerArgs(
        settings=stack.load_balancer, ground=ground, domain=domain, log_bucket=buckets.logs
    ),
    here,
)
api = FargateApi(
    "api",
    FargateApiArgs(
        settings=stack.api,
        ground=ground,
        load_balancer=balancer,
        image=images.image(stack.api.image),
        access=[*stores, *senders, secrets.access(stack.api.secrets)],
    ),
    here,
)
fleets = {
    name: GpuFleet(
        f"worker-{name}",
        GpuFleetArgs(
            settings=sizing,
            ground=ground,
            fleet=name,
            queue=queues[sizing.queue],
            image=images.image(sizing.image),
            access=[*stores, secrets.access(sizing.secrets)],
        ),
        here,
    )
    for name, sizing in stack.workers.items()
}
database.restart_after_rotation([api, *fleets.values()])

watched = [network, database, cache, buckets, balancer, api, *queues.values(), *fleets.values()]
AlarmSet(prefix=stack.prefix, notices=notices, muted=stack.notices.muted).watch(watched)
Dashboard("dashboard", DashboardArgs(place=place, watched=watched), here)
Budget("budget", BudgetArgs(settings=stack.budget, place=place, notices=notices), here)

pulumi.export("vpc_id", network.vpc_id)
pulumi.export("api_url", balancer.url)
pulumi.export("load_balancer_dns_name", balancer.dns_name)
pulumi.export("load_balancer_zone_id", balancer.zone_id)
pulumi.export("database_endpoint", database.endpoint)
pulumi.export("replica_endpoints", database.replica_endpoints)
pulumi.export("cache_endpoint", cache.primary_address)
pulumi.export("buckets", {name: bucket.name for name, bucket in buckets.by_purpose.items()})
pulumi.export("queues", {name: queue.url for name, queue in queues.items()})
pulumi.export("repositories", images.repository_urls)
pulumi.export("fleets", {name: fleet.group_name for name, fleet in fleets.items()})
