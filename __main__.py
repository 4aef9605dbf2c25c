"""The platform as one program: the stack's file chooses the sizing, this one wires the parts."""

import pulumi

import settings
from components.alarms import AlarmSet
from components.api.contract import ApiArgs
from components.api.platforms import api_platform
from components.audit import account_audit
from components.backups import backups_of
from components.canary import Canary, CanaryArgs
from components.edge import edge_of
from components.events import Events, EventsArgs
from components.ground import Place
from components.job_queues import job_queues
from components.keys import Keys, KeysArgs
from components.log_archive import log_archive
from components.network import Network, NetworkArgs
from components.notices import Notices, NoticesArgs
from components.provider import account_id, aws_provider, place_roles
from components.registry import Registry, RegistryArgs
from components.saved_queries import SavedQueries, SavedQueriesArgs
from components.secrets import Secrets, SecretsArgs
from components.services import further_services
from components.stores.buckets import Buckets, BucketsArgs
from components.stores.cache import Cache, CacheArgs
from components.stores.database import Database, DatabaseArgs
from components.upkeep import upkeep_of
from components.uptime import Uptime, UptimeArgs
from components.users import Users, UsersArgs
from components.watching import telemetry, watch_over
from components.workers.fleets import worker_fleets

stack = settings.load()
place_roles(stack)
provider = aws_provider(stack)
here = pulumi.ResourceOptions(provider=provider)
kept = pulumi.ResourceOptions(provider=provider, protect=stack.platform.protect)
place = Place.of(stack, account_id(provider))

keys = Keys("keys", KeysArgs(settings=stack.keys, place=place), kept)
notices = Notices("notices", NoticesArgs(settings=stack.notices, place=place, keys=keys), here)
alarms = AlarmSet(prefix=stack.prefix, notices=notices, muted=stack.notices.muted)
logs = keys.logs(stack.logs)
network = Network("network", NetworkArgs(settings=stack.network, place=place, logs=logs), here)
ground = network.ground(place, data_key_arn=keys.data_arn, logs=logs)

database = Database("database", DatabaseArgs.of(stack, ground), kept)
cache = Cache("cache", CacheArgs(settings=stack.cache, ground=ground), kept)
buckets = Buckets("buckets", BucketsArgs.of(stack, ground), kept)
queues = job_queues(stack, ground, cache, here)
values = settings.secret_values()
secrets = Secrets(
    "secrets", SecretsArgs(settings=stack.secrets, ground=ground, values=values), here
)
images = Registry("registry", RegistryArgs(settings=stack.registry, ground=ground), here)
users = stack.users and Users("users", UsersArgs(settings=stack.users, ground=ground), kept)

edge = edge_of(stack, ground, buckets, here, kept)
balancer = edge.load_balancer

told = telemetry(stack, place, here)
stores = [database.access(), cache.access(), buckets.media.access(), *told.access]
uses = [*stores, *(queue.sender() for queue in queues.work.values())]
uses += [*edge.access, *([users.access()] if users else [])]
api = api_platform(
    "api",
    ApiArgs(
        settings=stack.api,
        ground=ground,
        load_balancer=balancer,
        image=images.image(stack.api.image),
        access=[*uses, secrets.access(stack.api.secrets)],
        alarms=alarms,
        bundles=buckets.bundles,
    ),
    here,
)
services = further_services(stack.services, ground, images, secrets, balancer, uses, here)
fleets = worker_fleets(
    stack.workers, stack.gpu_quota, ground, images, secrets, queues.by_name, stores, here
)
database.restart_after_rotation([api, *services.values(), *fleets.workloads])
urls = {"api": balancer.page(stack.api.health.path), **(edge.cdn.pages if edge.cdn else {})}
uptime = stack.uptime and Uptime(
    "uptime", UptimeArgs(settings=stack.uptime, place=place, urls=urls), here
)

canary = stack.canary and Canary("canary", CanaryArgs.of(stack.canary, balancer.url, buckets), here)

backups = backups_of(stack, ground, database, buckets, kept)
upkeep = upkeep_of(stack, ground, database, cache, buckets, here)
audit = account_audit(stack, ground, buckets, notices, here)
archive = log_archive(stack, ground, buckets.logs, here)
SavedQueries("saved-queries", SavedQueriesArgs(ground=ground), here)
Events("events", EventsArgs.of(place, notices, api, services, fleets, database), here)

watched = [network, database, cache, buckets, *queues.watched, users, *edge.watched]
watched += [api, api.gates, *services.values(), *fleets.watched, *told.watched]
watched += [uptime, canary, backups, upkeep, audit, archive]
watch_over(stack, place, alarms, [part for part in watched if part], here)

pulumi.export("vpc_id", network.vpc_id)
pulumi.export("api_url", balancer.url)
pulumi.export("load_balancer", {"dns_name": balancer.dns_name, "zone_id": balancer.zone_id})
pulumi.export("deployment", {"handle": api.deploy_handle, **api.gates.functions})
pulumi.export("database_endpoint", database.endpoint)
pulumi.export("replica_endpoints", database.replica_endpoints)
pulumi.export("cache_endpoint", cache.primary_address)
pulumi.export("buckets", {name: bucket.name for name, bucket in buckets.by_purpose.items()})
pulumi.export("queues", queues.urls)
pulumi.export("repositories", images.repository_urls)
pulumi.export("services", {name: one.deploy_handle for name, one in services.items()})
pulumi.export("fleets", fleets.handles)
pulumi.export("backups", backups and backups.outputs)
pulumi.export("cdn", edge.cdn and edge.cdn.outputs)
pulumi.export("users", users and users.outputs)
