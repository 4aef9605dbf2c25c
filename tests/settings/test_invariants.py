"""Each rule between settings: the refusal it gives, and the nearest values it lets through."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from settings.invariants import INVARIANTS
from tests.settings.stack_files import REMOVED, Change, accepted, refused

ENDPOINTS = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
GPU_ENDPOINTS = [*ENDPOINTS, "ecs", "ecs-agent", "ecs-telemetry", "sqs"]
DOMAIN = {"zone": "studio.example", "api": "api.studio.example"}
THROUGH_CLOUDFRONT = {
    "load_balancer.reached_through": "cloudfront",
    "load_balancer.plain_http": False,
    "domain": DOMAIN,
}
THROUGH_GATEWAY = {**THROUGH_CLOUDFRONT, "load_balancer.reached_through": "api_gateway"}
CELERY = {
    "kind": "fargate",
    "queue": "render",
    "image": "worker:1.0.0",
    "cpu": 512,
    "memory": 1024,
    "min_workers": 0,
    "max_workers": 4,
    "job_seconds": 60,
    "job_limit_seconds": 900,
    "target_wait_seconds": 300,
}
HOSTS = {
    "kind": "ec2",
    "queue": "render",
    "image": "worker:1.0.0",
    "instance_types": ["c7i.large"],
    "on_demand_percent": 100,
    "min_workers": 0,
    "max_workers": 4,
    "job_seconds": 60,
    "job_limit_seconds": 900,
    "target_wait_seconds": 300,
}
ELSEWHERE = {"keys.customer_managed": True}
NIGHT = {"days": ["mon"], "at": "20:00", "min_workers": 0, "max_workers": 0}
ADMIN = {"image": "api:1.0.0", "cpu": 256, "memory": 512, "min_tasks": 1, "max_tasks": 2}


@dataclass(frozen=True, kw_only=True)
class Case:
    rule: str
    bad: Change
    says: str
    good: Change
    stack: str = "dev"
    good_stack: str | None = None


CASES = [
    Case(
        rule="names_fit_their_services",
        bad={"platform.name": "twenty-letters-long1"},
        stack="a-stack-with-a-name-as-long-as-x",
        says="backlot:platform: name: twenty-letters-long1-a-stack-with-a-name-as-long-as-x leads "
        "every name and has 53 characters; at most 29 fit into a bucket's name in us-east-1: "
        "shorten it or the stack's name",
        good={"platform.name": "twenty-letters-long1"},
        good_stack="eight-ch",
    ),
    Case(
        rule="names_fit_their_services",
        bad={},
        stack="Dev_1",
        says="stack name: Dev_1 becomes part of names; use lower-case letters, digits and single "
        "hyphens, beginning with a letter, such as dev",
        good={},
        good_stack="dev-1",
    ),
    Case(
        rule="tags_leave_ours_alone",
        bad={"platform.tags": {"Environment": "x"}},
        says="backlot:platform: tags.Environment: is set by the platform itself; remove it",
        good={"platform.tags": {"environment": "x"}},
    ),
    Case(
        rule="tags_leave_ours_alone",
        bad={"platform.tags": {"aws:team": "x"}},
        says="backlot:platform: tags.aws:team: begins with aws:, which AWS keeps for its own tags; "
        "rename it",
        good={"platform.tags": {"aws-team": "x"}},
    ),
    Case(
        rule="network_is_private_and_of_a_size",
        bad={"network.cidr": "10.0.0.0/21"},
        says="backlot:network: cidr: 10.0.0.0/21 is a /21; give a /16 to a /20: "
        "AWS allows no larger, and the database tier no smaller",
        good={"network.cidr": "10.0.0.0/20"},
    ),
    Case(
        rule="network_is_private_and_of_a_size",
        bad={"network.cidr": "10.0.0.0/15"},
        says="backlot:network: cidr: 10.0.0.0/15 is a /15; give a /16 to a /20: "
        "AWS allows no larger, and the database tier no smaller",
        good={"network.cidr": "10.0.0.0/16"},
    ),
    Case(
        rule="network_is_private_and_of_a_size",
        bad={"network.cidr": "172.32.0.0/16"},
        says="backlot:network: cidr: 172.32.0.0/16 is not private; give a network inside "
        "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16",
        good={"network.cidr": "172.31.0.0/16"},
    ),
    Case(
        rule="network_is_private_and_of_a_size",
        bad={"network.cidr": "172.17.0.0/16"},
        says="backlot:network: cidr: 172.17.0.0/16 overlaps 172.17.0.0/16, which Docker uses on "
        "every host; give another",
        good={"network.cidr": "172.18.0.0/16"},
    ),
    Case(
        rule="zones_are_in_order",
        bad={"network.zones": ["b", "a"]},
        says="backlot:network: zones: b, a is out of order; give a, b",
        good={"network.zones": ["a", "c"]},
    ),
    Case(
        rule="zones_exist_in_the_region",
        bad={"aws:region": "eu-west-2", "network.zones": ["a", "d"]},
        says="backlot:network: zones[1]: eu-west-2 has no zone d; give letters out of a, b, c",
        good={"aws:region": "eu-west-2", "network.zones": ["a", "c"]},
    ),
    Case(
        rule="zones_exist_in_the_region",
        bad={"network.zones": ["a", "g"]},
        says="backlot:network: zones[1]: us-east-1 has no zone g; give letters out of a, b, c, d, "
        "e, f",
        good={"network.zones": ["a", "f"]},
    ),
    Case(
        rule="private_tier_has_room",
        bad={"network.cidr": "10.0.0.0/20", "api.fargate.max_tasks": 125},
        says="backlot:network: cidr: 10.0.0.0/20 leaves 251 addresses, half of the private tier, "
        "and the stack can take 252 (250 for the API and services during a deployment, 2 for "
        "workers, 0 for endpoints); give a larger network or smaller fleets",
        good={"network.cidr": "10.0.0.0/20", "api.fargate.max_tasks": 124},
    ),
    Case(
        rule="private_tier_has_room",
        bad={
            "network.cidr": "10.0.0.0/20",
            "api.fargate.max_tasks": 100,
            "services.admin": {**ADMIN, "max_tasks": 25},
        },
        says="backlot:network: cidr: 10.0.0.0/20 leaves 251 addresses, half of the private tier, "
        "and the stack can take 252 (250 for the API and services during a deployment, 2 for "
        "workers, 0 for endpoints); give a larger network or smaller fleets",
        good={
            "network.cidr": "10.0.0.0/20",
            "api.fargate.max_tasks": 100,
            "services.admin": {**ADMIN, "max_tasks": 24},
        },
    ),
    Case(
        rule="without_nat_aws_is_reached_by_endpoints",
        bad={"network.nat": "none", "network.interface_endpoints": ["logs"], "workers": REMOVED},
        says="backlot:network: interface_endpoints: nat: none leaves no way to ecr.api, ecr.dkr, "
        "secretsmanager, which containers need to start; add them, or give nat: single or "
        "per_zone, without which third parties such as openai stay out of reach",
        good={
            "network.nat": "none",
            "network.interface_endpoints": ENDPOINTS,
            "workers": REMOVED,
        },
    ),
    Case(
        rule="without_nat_aws_is_reached_by_endpoints",
        bad={
            "network.nat": "none",
            "network.interface_endpoints": GPU_ENDPOINTS,
            "api.kind": "beanstalk",
        },
        says="backlot:network: interface_endpoints: nat: none leaves no way to cloudformation, "
        "elasticbeanstalk, elasticbeanstalk-health, which containers need to start; add them, or "
        "give nat: single or per_zone, without which third parties such as openai stay out of "
        "reach",
        good={
            "network.nat": "none",
            "network.interface_endpoints": [
                *GPU_ENDPOINTS,
                "cloudformation",
                "elasticbeanstalk",
                "elasticbeanstalk-health",
            ],
            "api.kind": "beanstalk",
        },
    ),
    Case(
        rule="without_nat_aws_is_reached_by_endpoints",
        bad={"network.nat": "none", "network.interface_endpoints": ENDPOINTS},
        says="backlot:network: interface_endpoints: nat: none leaves no way to sqs, ecs, "
        "ecs-agent, ecs-telemetry, which containers need to start; add them, or give nat: single "
        "or per_zone, without which third parties such as openai stay out of reach",
        good={"network.nat": "none", "network.interface_endpoints": GPU_ENDPOINTS},
    ),
    Case(
        rule="without_nat_aws_is_reached_by_endpoints",
        bad={
            "network.nat": "none",
            "network.interface_endpoints": GPU_ENDPOINTS,
            "secrets.jwt.store": "ssm",
        },
        says="backlot:network: interface_endpoints: nat: none leaves no way to ssm, which "
        "containers need to start; add them, or give nat: single or per_zone, "
        "without which third parties such as openai stay out of reach",
        good={
            "network.nat": "none",
            "network.interface_endpoints": [*GPU_ENDPOINTS, "ssm"],
            "secrets.jwt.store": "ssm",
        },
    ),
    Case(
        rule="replicas_need_own_credentials",
        bad={"database.replicas": {"count": 2}},
        says="backlot:database: replicas.count: 2 replicas need credentials: rotated or iam "
        "(managed passwords cannot have replicas)",
        good={"database.replicas": {"count": 2}, "database.credentials": "rotated"},
    ),
    Case(
        rule="replicas_need_own_credentials",
        bad={"database.replicas": {"count": 1}},
        says="backlot:database: replicas.count: 1 replica needs credentials: rotated or iam "
        "(managed passwords cannot have replicas)",
        good={"database.replicas": {"count": 0}},
    ),
    Case(
        rule="replicas_need_backups",
        bad={
            "database.replicas": {"count": 1},
            "database.credentials": "iam",
            "database.backup_days": 0,
        },
        says="backlot:database: backup_days: 0 turns backups off, and RDS makes replicas from "
        "them; give at least 1",
        good={
            "database.replicas": {"count": 1},
            "database.credentials": "iam",
            "database.backup_days": 1,
        },
    ),
    Case(
        rule="storage_has_room_to_grow",
        bad={"database.storage_gb": {"initial": 101, "maximum": 111}},
        says="backlot:database: storage_gb.maximum: 111 GB is too close to the initial 101 GB; "
        "give at least 112 (10 % more), better 26 % more",
        good={"database.storage_gb": {"initial": 101, "maximum": 112}},
    ),
    Case(
        rule="storage_has_room_to_grow",
        bad={"database.storage_gb": {"initial": 100, "maximum": 20}},
        says="backlot:database: storage_gb.maximum: 20 GB is too close to the initial 100 GB; "
        "give at least 110 (10 % more), better 26 % more",
        good={"database.storage_gb": {"initial": 100, "maximum": 110}},
    ),
    Case(
        rule="database_classes_are_known",
        bad={"database.instance_class": "db.t5g.micro"},
        says="backlot:database: instance_class: db.t5g.micro: db.t5g is not a known family: known "
        "are db.t3, db.t4g, db.m5, db.m6g, db.m6i, db.m7g, db.m7i, db.m8g, db.r5, db.r6g, db.r6i, "
        "db.r7g, db.r7i, db.r8g (settings/instances.py)",
        good={"database.instance_class": "db.t4g.small"},
    ),
    Case(
        rule="database_classes_are_known",
        stack="staging",
        bad={"database.replicas.instance_class": "db.t4g.huge"},
        says="backlot:database: replicas.instance_class: db.t4g.huge: db.t4g has no size huge: "
        "known are micro, small, medium, large, xlarge, 2xlarge (settings/instances.py)",
        good={"database.replicas.instance_class": "db.t4g.large"},
    ),
    Case(
        rule="cache_node_type_is_known",
        bad={"cache.node_type": "cache.t1.micro"},
        says="backlot:cache: node_type: cache.t1.micro: cache.t1 is not a known family: known are "
        "cache.t3, cache.t4g, cache.m5, cache.m6g, cache.m7g, cache.r5, cache.r6g, cache.r7g "
        "(settings/instances.py)",
        good={"cache.node_type": "cache.t3.micro"},
    ),
    Case(
        rule="database_names_are_free",
        bad={"database.username": "admin"},
        says="backlot:database: username: admin is reserved by RDS or PostgreSQL; "
        "give another, such as app",
        good={"database.username": "administrator"},
    ),
    Case(
        rule="database_names_are_free",
        bad={"database.username": "rds_superuser"},
        says="backlot:database: username: rds_superuser is reserved by RDS or PostgreSQL; "
        "give another, such as app",
        good={"database.username": "superuser"},
    ),
    Case(
        rule="database_names_are_free",
        bad={"database.database_name": "user"},
        says="backlot:database: database_name: user is reserved by RDS or PostgreSQL; "
        "give another, such as app",
        good={"database.database_name": "users"},
    ),
    Case(
        rule="database_windows_keep_apart",
        bad={"database.backup_window": "03:00-04:01"},
        says="backlot:database: maintenance_window: sun:04:00-sun:05:00 overlaps backup_window, "
        "03:00-04:01; move one of them",
        good={"database.backup_window": "03:00-04:00"},
    ),
    Case(
        rule="database_windows_keep_apart",
        bad={
            "database.backup_window": "23:30-00:30",
            "database.maintenance_window": "mon:00:00-mon:01:00",
        },
        says="backlot:database: maintenance_window: mon:00:00-mon:01:00 overlaps backup_window, "
        "23:30-00:30; move one of them",
        good={
            "database.backup_window": "23:30-00:30",
            "database.maintenance_window": "sun:22:30-sun:23:30",
        },
    ),
    Case(
        rule="database_windows_keep_apart",
        bad={"database.backup_window": "03:00-03:29"},
        says="backlot:database: backup_window: 03:00-03:29 lasts 29 minutes; give at least 30",
        good={"database.backup_window": "03:00-03:30"},
    ),
    Case(
        rule="database_windows_keep_apart",
        bad={"database.maintenance_window": "sun:04:00-sun:04:29"},
        says="backlot:database: maintenance_window: sun:04:00-sun:04:29 lasts 29 minutes; "
        "give 30 to 1440",
        good={"database.maintenance_window": "sun:04:00-sun:04:30"},
    ),
    Case(
        rule="cache_windows_keep_apart",
        bad={"cache.snapshot_window": "04:00-05:01"},
        says="backlot:cache: maintenance_window: sun:05:00-sun:06:00 overlaps snapshot_window, "
        "04:00-05:01; move one of them",
        good={"cache.snapshot_window": "04:00-05:00"},
    ),
    Case(
        rule="cache_windows_keep_apart",
        bad={"cache.snapshot_window": "02:00-02:59"},
        says="backlot:cache: snapshot_window: 02:00-02:59 lasts 59 minutes; give at least 60",
        good={"cache.snapshot_window": "02:00-03:00"},
    ),
    Case(
        rule="cache_version_belongs_to_its_engine",
        bad={"cache.engine_version": "7.1"},
        says="backlot:cache: engine_version: 7.1 is not a version of valkey; "
        "give one of 7.2, 8.0, 8.1",
        good={"cache.engine_version": "7.2"},
    ),
    Case(
        rule="cache_version_belongs_to_its_engine",
        bad={"cache.engine": "redis", "cache.engine_version": "8.0"},
        says="backlot:cache: engine_version: 8.0 is not a version of redis; "
        "give one of 6.2, 7.0, 7.1",
        good={"cache.engine": "redis"},
    ),
    Case(
        rule="failover_needs_a_replica",
        bad={"cache.failover": True},
        says="backlot:cache: failover: true needs a replica to promote, and nodes is 1; "
        "give nodes: 2 or more, or failover: false",
        good={"cache.failover": True, "cache.nodes": 2},
    ),
    Case(
        rule="failover_needs_a_replica",
        bad={"cache.multi_az": True, "cache.nodes": 2},
        says="backlot:cache: multi_az: true needs failover; "
        "give failover: true, or multi_az: false",
        good={"cache.multi_az": True, "cache.nodes": 2, "cache.failover": True},
    ),
    Case(
        rule="dead_letters_outlive_messages",
        bad={"queues.render.retention_days": 5, "queues.render.dead_letter_days": 4},
        says="backlot:queues: render.dead_letter_days: 4 is less than retention_days, 5, and a "
        "message keeps its age when it moves; give at least as many",
        good={"queues.render.retention_days": 5, "queues.render.dead_letter_days": 5},
    ),
    Case(
        rule="dead_letters_outlive_messages",
        bad={"queues.render.retention_days": 1, "queues.render.age_alarm_seconds": 86400},
        says="backlot:queues: render.age_alarm_seconds: 86400 can never be reached: messages "
        "expire after 86400 seconds; give less",
        good={"queues.render.retention_days": 1, "queues.render.age_alarm_seconds": 86399},
    ),
    Case(
        rule="queues_exist",
        bad={"workers.render.queue": "rendr"},
        says="backlot:workers: render.queue: there is no queue rendr; give one of render, "
        "or add it to backlot:queues",
        good={"workers.render.queue": "rendr", "queues.rendr": {}},
    ),
    Case(
        rule="queues_exist",
        bad={"queues": REMOVED},
        says="backlot:workers: render.queue: there is no queue render; add it to backlot:queues",
        good={"queues": REMOVED, "workers": REMOVED},
    ),
    Case(
        rule="jobs_fit_their_queue",
        bad={"workers.render.heartbeat_seconds": 41},
        says="backlot:queues: render.visibility_seconds: 120 is less than three heartbeats of "
        "render, 41 seconds each: one lost renewal would run the job twice. Give at least 123",
        good={"workers.render.heartbeat_seconds": 40},
    ),
    Case(
        rule="jobs_fit_their_queue",
        bad={"workers.render.heartbeat_seconds": None, "queues.render.visibility_seconds": 899},
        says="backlot:queues: render.visibility_seconds: 899 is less than the 900 seconds a job of "
        "render may take, and it has no heartbeat: the job would run twice. Give at least 900, or "
        "give render heartbeat_seconds",
        good={"workers.render.heartbeat_seconds": None, "queues.render.visibility_seconds": 900},
    ),
    Case(
        rule="job_times_are_possible",
        bad={"workers.render.job_seconds": 901},
        says="backlot:workers: render.job_seconds: 901 on average is more than job_limit_seconds, "
        "900; give at most that",
        good={"workers.render.job_seconds": 900},
    ),
    Case(
        rule="job_times_are_possible",
        bad={
            "workers.render.job_limit_seconds": 43201,
            "queues.render.age_alarm_seconds": 43201 + 900,
        },
        says="backlot:workers: render.job_limit_seconds: 43201 is more than the 43200 (12 hours) "
        "that SQS leaves a message with one worker; split the job or give at most that",
        good={
            "workers.render.job_limit_seconds": 43200,
            "queues.render.age_alarm_seconds": 43200 + 900,
        },
    ),
    Case(
        rule="late_jobs_are_told_from_long_ones",
        bad={"workers.render.job_limit_seconds": 901},
        says="backlot:queues: render.age_alarm_seconds: 1800 would wake somebody for a job that is "
        "not late: one of render may wait 900 and work 901 seconds; give at least 1801",
        good={
            "workers.render.job_limit_seconds": 901,
            "queues.render.age_alarm_seconds": 1801,
        },
    ),
    Case(
        rule="queues_are_told_apart",
        bad={"redis_queues.render": {}},
        says="backlot:redis_queues: render: render is in backlot:queues already, and a fleet could "
        "not say which it means; give another name",
        good={"redis_queues.celery": {}},
    ),
    Case(
        rule="queues_are_told_apart",
        bad={"queues.render-dead-letter": {}},
        says="backlot:queues: render-dead-letter: is the name of render's own dead-letter queue; "
        "give another",
        good={"queues.dead-letter": {}},
    ),
    Case(
        rule="logs_are_told_apart",
        bad={
            "workers.mail": {**CELERY, "beat": {"command": ["celery", "beat"]}},
            "workers.mail-beat": CELERY,
        },
        says="backlot:workers: mail-beat: its log worker-mail-beat would be that of mail in "
        "backlot:workers too; give another name",
        good={"workers.mail": CELERY, "workers.mail-beat": CELERY},
    ),
    Case(
        rule="logs_are_told_apart",
        bad={"workers.mail": CELERY, "services.worker-mail": ADMIN},
        says="backlot:workers: mail: its log worker-mail would be that of worker-mail in "
        "backlot:services too; give another name",
        good={"workers.mail": CELERY, "services.mailer": ADMIN},
    ),
    Case(
        rule="jobs_in_the_cache_stay_there",
        bad={"cache.max_memory_policy": "allkeys-lru", "redis_queues.celery": {}},
        says="backlot:cache: max_memory_policy: allkeys-lru drops any key when memory is full, "
        "jobs of celery (backlot:redis_queues) too; give noeviction, or volatile-lru",
        good={"cache.max_memory_policy": "noeviction", "redis_queues.celery": {}},
    ),
    Case(
        rule="lists_count_their_own_jobs",
        bad={"redis_queues": {"mail": {"key": "mail"}, "sums": {"key": "sums"}}},
        says="backlot:redis_queues: sums.unacked_key: unacked is that of mail too, and each would "
        "count the jobs of both; give another, in the workers' own settings as well",
        good={
            "redis_queues": {
                "mail": {"key": "mail"},
                "sums": {"key": "sums", "unacked_key": "sums-unacked"},
            }
        },
    ),
    Case(
        rule="without_nat_aws_is_reached_by_endpoints",
        bad={
            "network.nat": "none",
            "network.interface_endpoints": GPU_ENDPOINTS,
            "redis_queues.celery": {},
        },
        says="backlot:network: interface_endpoints: nat: none leaves no way to monitoring, which "
        "containers need to start; add them, or give nat: single or per_zone, "
        "without which third parties such as openai stay out of reach",
        good={
            "network.nat": "none",
            "network.interface_endpoints": [*GPU_ENDPOINTS, "monitoring"],
            "redis_queues.celery": {},
        },
    ),
    Case(
        rule="fleets_have_a_range",
        bad={"workers.render.schedules": {"night": {**NIGHT, "min_workers": 1}}},
        says="backlot:workers: render.schedules.night.min_workers: 1 is more than max_workers, 0; "
        "give at most that",
        good={"workers.render.schedules": {"night": NIGHT}},
    ),
    Case(
        rule="fleets_have_a_range",
        bad={"workers.render.schedules": {"day": {**NIGHT, "max_workers": 2}}},
        says="backlot:workers: render.schedules.day.max_workers: 2 is more than the fleet's own "
        "max_workers, 1, which its instances are counted by; give at most that",
        good={"workers.render.schedules": {"day": {**NIGHT, "max_workers": 1}}},
    ),
    Case(
        rule="overflow_has_a_spot_to_stand_in_for",
        bad={"workers.render.overflow": {"max_workers": 2}},
        says="backlot:workers: render.overflow: steps in when spot is dry, and on_demand_percent: "
        "100 buys no spot; remove it, or give less",
        good={
            "workers.render.overflow": {"max_workers": 2},
            "workers.render.on_demand_percent": 30,
        },
    ),
    Case(
        rule="overflow_knows_how_old_jobs_are",
        bad={
            "redis_queues.celery": {},
            "workers.render.queue": "celery",
            "workers.render.overflow": {"max_workers": 2},
            "workers.render.on_demand_percent": 30,
        },
        says="backlot:workers: render.overflow: steps in when jobs grow old, and Redis does not "
        "say how old those of celery are; remove it, or give a queue from backlot:queues",
        good={"redis_queues.celery": {}, "workers.render.queue": "celery"},
    ),
    Case(
        rule="quotas_hold_the_largest_fleets",
        stack="production",
        bad={"gpu_quota": {"on_demand": 23, "spot": 56}},
        says="backlot:gpu_quota: on_demand: 23 vCPU are less than the 24 that the fleets may grow "
        "to, bought that way; give at least that (a request to AWS), or smaller fleets",
        good={"gpu_quota": {"on_demand": 24, "spot": 56}},
    ),
    Case(
        rule="quotas_hold_the_largest_fleets",
        stack="production",
        bad={
            "gpu_quota": {"on_demand": 79, "spot": 56},
            "workers.render.overflow": {"max_workers": 14},
        },
        says="backlot:gpu_quota: on_demand: 79 vCPU are less than the 80 that the fleets may grow "
        "to, bought that way; give at least that (a request to AWS), or smaller fleets",
        good={
            "gpu_quota": {"on_demand": 80, "spot": 56},
            "workers.render.overflow": {"max_workers": 14},
        },
    ),
    Case(
        rule="quotas_hold_the_largest_fleets",
        stack="production",
        bad={"gpu_quota": {"on_demand": 24, "spot": 55}},
        says="backlot:gpu_quota: spot: 55 vCPU are less than the 56 that the fleets may grow to, "
        "bought that way; give at least that (a request to AWS), or smaller fleets",
        good={"gpu_quota": {"on_demand": 24, "spot": 56}},
    ),
    Case(
        rule="ec2_workers_have_something_to_run",
        bad={"workers.clip": {**HOSTS, "image": None}},
        says="backlot:workers: clip.image: missing, and so nothing would run; give an image, or an "
        "ami that holds the worker and the command that starts it",
        good={
            "workers.clip": {
                **HOSTS,
                "image": None,
                "ami": "ami-0123456789abcdef0",
                "command": ["celery", "worker"],
            }
        },
    ),
    Case(
        rule="ec2_workers_have_something_to_run",
        bad={"workers.clip": {**HOSTS, "instance_types": ["c7g.large"]}},
        says="backlot:workers: clip.instance_types[0]: c7g.large has an arm64 CPU, and "
        "architecture is x86_64; give another type, or architecture: arm64",
        good={"workers.clip": {**HOSTS, "instance_types": ["c7g.large"], "architecture": "arm64"}},
    ),
    Case(
        rule="instances_can_wait_for_their_jobs",
        bad={
            "workers.clip": {**HOSTS, "job_limit_seconds": 7081},
            "queues.render.age_alarm_seconds": 9000,
        },
        says="backlot:workers: clip.job_limit_seconds: 7081 is more than the 7080 that an instance "
        "which is to be terminated waits for its job; give at most that, or kind: fargate",
        good={
            "workers.clip": {**HOSTS, "job_limit_seconds": 7080},
            "queues.render.age_alarm_seconds": 9000,
        },
    ),
    Case(
        rule="warm_pools_are_of_one_kind",
        bad={
            "workers.clip": {
                **HOSTS,
                "instance_types": ["c7i.large", "c6i.large"],
                "on_demand_percent": 50,
                "warm_pool": {"min_size": 1},
            }
        },
        says="backlot:workers: clip.warm_pool: AWS refuses a warm pool for a group with 2 instance "
        "types and spot; remove it, or give one type and on_demand_percent: 100",
        good={"workers.clip": {**HOSTS, "warm_pool": {"min_size": 1}}},
    ),
    Case(
        rule="warm_pools_are_of_one_kind",
        bad={"workers.clip": {**HOSTS, "warm_pool": {"min_size": 5}}},
        says="backlot:workers: clip.warm_pool.min_size: 5 is more than max_workers, 4; "
        "give at most that",
        good={"workers.clip": {**HOSTS, "warm_pool": {"min_size": 4}}},
    ),
    Case(
        rule="workers_are_protected_while_they_can_say_so",
        bad={
            "workers.render.protection_minutes": 1,
            "workers.render.heartbeat_seconds": 40,
        },
        says="backlot:workers: render.protection_minutes: 1 must be asked for every 20 seconds, "
        "and the worker only looks up every 40 (heartbeat_seconds); give at least 2",
        good={"workers.render.protection_minutes": 2, "workers.render.heartbeat_seconds": 40},
    ),
    Case(
        rule="fleets_have_a_range",
        bad={"workers.render.min_workers": 2},
        says="backlot:workers: render.min_workers: 2 is more than max_workers, 1; "
        "give at most that",
        good={"workers.render.min_workers": 1},
    ),
    Case(
        rule="fleets_have_a_range",
        bad={"workers.render.on_demand_base": 2},
        says="backlot:workers: render.on_demand_base: 2 is more than max_workers, 1; "
        "give at most that",
        good={"workers.render.on_demand_base": 1},
    ),
    Case(
        rule="gpu_types_satisfy_their_class",
        bad={"workers.render.instance_types": ["g6.xlarge", "g4dn.xlarge"]},
        says="backlot:workers: render.instance_types[1]: g4dn.xlarge has 16384 MiB of GPU memory; "
        "class 24g needs 22000",
        good={
            "workers.render.gpu_class": "16g",
            "workers.render.instance_types": ["g6.xlarge", "g4dn.xlarge"],
        },
    ),
    Case(
        rule="gpu_types_satisfy_their_class",
        bad={"workers.render.instance_types": ["g6f.large"]},
        says="backlot:workers: render.instance_types[0]: g6f.large is not in settings/gpu.py; "
        "give one of g4dn.xlarge, g5.xlarge, g6.xlarge, g6e.xlarge",
        good={"workers.render.instance_types": ["g6e.xlarge"]},
    ),
    Case(
        rule="gpu_types_satisfy_their_class",
        bad={"workers.render.instance_types": ["g6.xlarge", "g6.12xlarge"]},
        says="backlot:workers: render.instance_types[1]: g6.12xlarge has 4 GPUs, and a worker has "
        "one; give one of g4dn.xlarge, g5.xlarge, g6.xlarge, g6e.xlarge",
        good={"workers.render.instance_types": ["g6.xlarge"]},
    ),
    Case(
        rule="gpu_types_are_sold_in_the_region",
        bad={"aws:region": "eu-west-1", "workers.render.instance_types": ["g6.xlarge"]},
        says="backlot:workers: render.instance_types[0]: g6.xlarge is not sold in eu-west-1; "
        "give g5.xlarge (settings/gpu.py)",
        good={"aws:region": "eu-west-1", "workers.render.instance_types": ["g5.xlarge"]},
    ),
    Case(
        rule="gpu_types_are_sold_in_the_region",
        bad={
            "aws:region": "eu-west-1",
            "workers.render.gpu_class": "16g",
            "workers.render.instance_types": ["g4dn.xlarge", "g6.xlarge"],
        },
        says="backlot:workers: render.instance_types[1]: g6.xlarge is not sold in eu-west-1; "
        "give one of g4dn.xlarge, g5.xlarge (settings/gpu.py)",
        good={"aws:region": "eu-west-1", "workers.render.gpu_class": "16g"},
    ),
    Case(
        rule="gpu_types_are_sold_in_the_region",
        bad={"aws:region": "us-west-1"},
        says="backlot:workers: render.gpu_class: 24g means g6.xlarge, g5.xlarge, and none of them "
        "is sold in us-west-1; give gpu_class: 16g, or another aws:region (settings/gpu.py)",
        good={"aws:region": "us-west-1", "workers.render.gpu_class": "16g"},
    ),
    Case(
        rule="gpu_types_are_sold_in_the_region",
        bad={"aws:region": "ap-northeast-3"},
        says="backlot:workers: render.gpu_class: 24g means g6.xlarge, g5.xlarge, and none of them "
        "is sold in ap-northeast-3; give instance_types: [g6e.xlarge] (settings/gpu.py)",
        good={"aws:region": "ap-northeast-3", "workers.render.instance_types": ["g6e.xlarge"]},
    ),
    Case(
        rule="gpu_types_are_sold_in_the_region",
        bad={"aws:region": "ca-west-1"},
        says="backlot:workers: render.gpu_class: 24g means g6.xlarge, g5.xlarge, and none of them "
        "is sold in ca-west-1; nor is any other GPU that a class takes: give another aws:region "
        "(settings/gpu.py)",
        good={"aws:region": "ca-west-1", "workers": REMOVED},
    ),
    Case(
        rule="gpu_tasks_fit_the_smallest_type",
        bad={"workers.render.cpu": 4097},
        says="backlot:workers: render.cpu: 4097 is more than the 4096 CPU units of the smallest of "
        "g6.xlarge, g5.xlarge; give at most that",
        good={"workers.render.cpu": 4096},
    ),
    Case(
        rule="gpu_tasks_fit_the_smallest_type",
        bad={"workers.render.memory": 14337},
        says="backlot:workers: render.memory: 14337 MiB is more than the 14336 that the smallest "
        "of g6.xlarge, g5.xlarge has beside its system; give at most that",
        good={"workers.render.memory": 14336},
    ),
    Case(
        rule="api_has_the_size_of_its_kind",
        bad={"api.kind": "ec2", "api.ec2": REMOVED},
        says="backlot:api: ec2: missing, and kind is ec2; give its size there: instance_type, "
        "min_instances and max_instances",
        good={"api.kind": "ec2"},
    ),
    Case(
        rule="fargate_sells_the_pair",
        bad={"api.fargate.cpu": 256, "api.fargate.memory": 4096},
        says="backlot:api: fargate.memory: 4096 MiB does not go with cpu 256 on Fargate; "
        "give 512, 1024, 2048",
        good={"api.fargate.cpu": 256, "api.fargate.memory": 2048},
    ),
    Case(
        rule="fargate_sells_the_pair",
        bad={"services.admin": {**ADMIN, "memory": 4096}},
        says="backlot:services: admin.memory: 4096 MiB does not go with cpu 256 on Fargate; "
        "give 512, 1024, 2048",
        good={"services.admin": ADMIN},
    ),
    Case(
        rule="fargate_sells_the_pair",
        bad={"workers.clip": {**CELERY, "memory": 512}},
        says="backlot:workers: clip.memory: 512 MiB does not go with cpu 512 on Fargate; "
        "give 1024, 2048, 3072, 4096",
        good={"workers.clip": CELERY},
    ),
    Case(
        rule="fargate_sells_the_pair",
        bad={"workers.clip": {**CELERY, "beat": {"command": ["celery", "beat"], "memory": 4096}}},
        says="backlot:workers: clip.beat.memory: 4096 MiB does not go with cpu 256 on Fargate; "
        "give 512, 1024, 2048",
        good={"workers.clip": {**CELERY, "beat": {"command": ["celery", "beat"]}}},
    ),
    Case(
        rule="api_scales_within_a_range",
        bad={"api.fargate.min_tasks": 3},
        says="backlot:api: fargate.min_tasks: 3 is more than max_tasks, 2; give at most that",
        good={"api.fargate.min_tasks": 2},
    ),
    Case(
        rule="api_scales_within_a_range",
        bad={"api.beanstalk.min_instances": 3},
        says="backlot:api: beanstalk.min_instances: 3 is more than max_instances, 2; "
        "give at most that",
        good={"api.beanstalk.min_instances": 2},
    ),
    Case(
        rule="instances_run_the_images_they_are_given",
        bad={"api.ec2.instance_type": "t3.small"},
        says="backlot:api: ec2.instance_type: t3.small has an x86_64 CPU, and the image is built "
        "for arm64; give a type such as t4g.small, or architecture: x86_64",
        good={"api.ec2.instance_type": "m7g.large"},
    ),
    Case(
        rule="beanstalk_grows_above_where_it_shrinks",
        bad={"api.beanstalk.cpu_low": 60},
        says="backlot:api: beanstalk.cpu_low: 60 is not below cpu_high, 60: instances would come "
        "and go without end; give less",
        good={"api.beanstalk.cpu_low": 59},
    ),
    Case(
        rule="requests_are_counted_where_traffic_goes",
        bad={"api.requests": {"per_target": 600, "metric": "predefined"}},
        says="backlot:api: requests.metric: predefined (ALBRequestCountPerTarget) follows one "
        "target group, and strategy: blue_green moves traffic between two; give summed, or "
        "fargate.strategy: rolling",
        good={"api.requests": {"per_target": 600, "metric": "summed"}},
    ),
    Case(
        rule="requests_are_counted_where_traffic_goes",
        bad={"api.requests": {"per_target": 600}, "api.kind": "beanstalk"},
        says="backlot:api: requests: Elastic Beanstalk scales on one metric, and here that is CPU; "
        "remove it, or give kind: fargate or ec2",
        good={"api.requests": {"per_target": 600, "metric": "predefined"}, "api.kind": "ec2"},
    ),
    Case(
        rule="stages_of_a_deployment_end_in_time",
        bad={"api.deployment.migration.limit_minutes": 1441},
        says="backlot:api: deployment.migration.limit_minutes: 1441 is more than the 1440 "
        "(24 hours) after which ECS ends a stage; give at most that",
        good={"api.deployment.migration.limit_minutes": 1440},
    ),
    Case(
        rule="nobody_is_asked_for_longer_than_a_day",
        bad={"api.fargate.approval_minutes": 2000},
        says="backlot:api: fargate.approval_minutes: 2000 is more than 1440 (24 hours); both "
        "versions run, and are paid for, while a deployment waits: give at most that",
        good={"api.fargate.approval_minutes": 60},
    ),
    Case(
        rule="hooks_have_a_deployment_to_hold",
        bad={"api.fargate.strategy": "rolling", "api.fargate.approval_minutes": 60},
        says="backlot:api: fargate.approval_minutes: strategy: rolling has users on the new "
        "version from its first task, so there is nothing to approve; remove it, or give "
        "blue_green, canary or linear",
        good={"api.fargate.strategy": "canary", "api.fargate.approval_minutes": 60},
    ),
    Case(
        rule="health_check_answers_in_time",
        bad={"api.health": {"interval_seconds": 5, "timeout_seconds": 5}},
        says="backlot:api: health.timeout_seconds: 5 is not less than interval_seconds, 5; "
        "give less",
        good={"api.health": {"interval_seconds": 6, "timeout_seconds": 5}},
    ),
    Case(
        rule="rules_are_asked_in_an_order",
        bad={
            "services.admin": {**ADMIN, "route": {"paths": ["/admin/*"], "priority": 10}},
            "services.docs": {**ADMIN, "route": {"paths": ["/docs/*"], "priority": 10}},
        },
        says="backlot:services: docs.route.priority: 10 is taken by admin; give another from 10 "
        "to 99",
        good={
            "services.admin": {**ADMIN, "route": {"paths": ["/admin/*"], "priority": 10}},
            "services.docs": {**ADMIN, "route": {"paths": ["/docs/*"], "priority": 11}},
        },
    ),
    Case(
        rule="services_leave_the_apis_names_alone",
        bad={"services.render": ADMIN},
        says="backlot:services: render: render is the name of a fleet in backlot:workers already; "
        "give another",
        good={"services.admin": ADMIN},
    ),
    Case(
        rule="services_leave_the_apis_names_alone",
        bad={"services.api": ADMIN},
        says="backlot:services: api: api is the name of the API already; give another",
        good={"services.admin": ADMIN},
    ),
    Case(
        rule="images_come_from_a_repository",
        bad={"api.image": "apis:1.0.0"},
        says="backlot:api: image: apis:1.0.0 needs a repository apis; give one of api, worker, add "
        "it to backlot:registry, or give a full address such as public.ecr.aws/nginx/nginx:1.29",
        good={"api.image": "public.ecr.aws/nginx/nginx:1.29"},
    ),
    Case(
        rule="images_come_from_a_repository",
        bad={"workers.render.image": "studio/worker:1"},
        says="backlot:workers: render.image: studio/worker:1 needs a repository studio/worker; "
        "give one of api, worker, add it to backlot:registry, or give a full address such as "
        "public.ecr.aws/nginx/nginx:1.29",
        good={"workers.render.image": f"worker@sha256:{'0' * 64}"},
    ),
    Case(
        rule="images_come_from_a_repository",
        bad={"api.image": "api:latest"},
        says="backlot:api: image: api:latest names no version: tags are immutable, so latest could "
        "be pushed only once; give a version or a digest",
        good={"api.image": "api:latest-1"},
    ),
    Case(
        rule="secrets_stand_where_they_are_named",
        bad={"secrets": REMOVED},
        says="backlot:secrets: holds no secret, and anthropic, openai, jwt, replicate, suno are "
        "named by the API, services or workers; give each the variable it is read as, such as "
        "anthropic: {environment: ANTHROPIC_API_KEY}",
        good={"secrets": REMOVED, "api.secrets": [], "workers.render.secrets": []},
    ),
    Case(
        rule="api_variables_do_not_clash",
        bad={"api.secrets": ["anthropic", "stripe"]},
        says="backlot:api: secrets[1]: there is no secret stripe; known in backlot:secrets: "
        "anthropic, openai, replicate, suno, jwt",
        good={
            "api.secrets": ["anthropic", "stripe"],
            "secrets.stripe": {"environment": "STRIPE_KEY"},
        },
    ),
    Case(
        rule="api_variables_do_not_clash",
        bad={"api.environment": {"JWT_SECRET": "x"}},
        says="backlot:api: secrets[2]: jwt is read as JWT_SECRET, which environment sets in plain "
        "text; remove one of them",
        good={"api.environment": {"JWT_ISSUER": "x"}},
    ),
    Case(
        rule="api_variables_do_not_clash",
        bad={"api.environment": {"DATABASE_URL": "x"}},
        says="backlot:api: environment.DATABASE_URL: DATABASE_URL is set by the platform or by "
        "AWS; give another name",
        good={"api.environment": {"DATABASE_POOL": "x"}},
    ),
    Case(
        rule="service_variables_do_not_clash",
        bad={"services.admin": {**ADMIN, "secrets": ["opnai"]}},
        says="backlot:services: admin.secrets[0]: there is no secret opnai; known in "
        "backlot:secrets: anthropic, openai, replicate, suno, jwt",
        good={"services.admin": {**ADMIN, "secrets": ["openai"]}},
    ),
    Case(
        rule="worker_variables_do_not_clash",
        bad={"secrets.suno.environment": "REPLICATE_API_KEY"},
        says="backlot:workers: render.secrets[1]: suno is read as REPLICATE_API_KEY, and so is "
        "replicate; give one of them another variable in backlot:secrets",
        good={
            "secrets.suno.environment": "REPLICATE_API_KEY",
            "workers.render.secrets": ["suno"],
        },
    ),
    Case(
        rule="secrets_leave_our_variables_alone",
        bad={"secrets.jwt.environment": "AWS_SECRET_ACCESS_KEY"},
        says="backlot:secrets: jwt.environment: AWS_SECRET_ACCESS_KEY is set by the platform or by "
        "AWS; give another name",
        good={"secrets.jwt.environment": "STUDIO_AWS_SECRET"},
    ),
    Case(
        rule="names_are_inside_the_zone",
        stack="staging",
        bad={"domain.api": "api.studio.example"},
        says="backlot:domain: api: api.studio.example is outside the zone staging.studio.example; "
        "give a name that ends in it",
        good={"domain.api": "staging.studio.example"},
    ),
    Case(
        rule="names_are_inside_the_zone",
        stack="staging",
        bad={"domain.alternative_names": ["notstaging.studio.example"]},
        says="backlot:domain: alternative_names[0]: notstaging.studio.example is outside the zone "
        "staging.studio.example; give a name that ends in it",
        good={"domain.alternative_names": ["v2.staging.studio.example"]},
    ),
    Case(
        rule="names_are_inside_the_zone",
        stack="staging",
        bad={"domain.alternative_names": ["api.staging.studio.example"]},
        says="backlot:domain: alternative_names[0]: api.staging.studio.example is api already, and "
        "leads to one place; remove it",
        good={"domain.alternative_names": []},
    ),
    Case(
        rule="names_are_inside_the_zone",
        stack="staging",
        bad={"domain.cdn": "app.staging.studio.example"},
        says="backlot:domain: cdn: app.staging.studio.example is app already, and leads to one "
        "place; remove it",
        good={"domain.cdn": "media.staging.studio.example"},
    ),
    Case(
        rule="http_is_a_choice",
        bad={"load_balancer.plain_http": False},
        says="backlot:load_balancer: plain_http: without backlot:domain there is no certificate, "
        "so the API could only answer over HTTP; add backlot:domain, or give plain_http: true",
        good={"load_balancer.plain_http": False, "domain": DOMAIN},
    ),
    Case(
        rule="http_is_a_choice",
        bad={"domain": DOMAIN},
        says="backlot:load_balancer: plain_http: true has no use beside backlot:domain: "
        "api.studio.example answers over HTTPS; remove it",
        good={"load_balancer.plain_http": True},
    ),
    Case(
        rule="doors_have_a_certificate",
        bad={"load_balancer.reached_through": "cloudfront"},
        says="backlot:load_balancer: reached_through: cloudfront needs a certificate, and without "
        "backlot:domain there is none; add backlot:domain, or give internet",
        good=THROUGH_CLOUDFRONT,
    ),
    *(
        Case(
            rule="doors_wait_as_long_as_they_are_asked_to",
            bad={**through, "load_balancer.idle_seconds": longest + 1},
            says=f"backlot:load_balancer: idle_seconds: {longest + 1} has no use behind {called}, "
            f"which hangs up after {longest} seconds of silence; give at most that, or remove it",
            good={**through, "load_balancer.idle_seconds": longest},
        )
        for through, called, longest in (
            (THROUGH_CLOUDFRONT, "CloudFront", 600),
            (THROUGH_GATEWAY, "API Gateway", 30),
        )
    ),
    Case(
        rule="names_lead_somewhere",
        stack="staging",
        bad={"cdn": REMOVED, "domain.app": REMOVED},
        says="backlot:domain: cdn: cdn.staging.studio.example would lead nowhere: backlot:cdn "
        "serves it, and there is none; add backlot:cdn, or remove the name",
        good={"cdn": REMOVED, "domain.app": REMOVED, "domain.cdn": REMOVED},
    ),
    Case(
        rule="releases_are_served",
        bad={"buckets.releases": True, "cdn": REMOVED},
        says="backlot:buckets: releases: true makes a bucket that backlot:cdn serves, and there is "
        "none; add backlot:cdn, or give false",
        good={"buckets.releases": True},
    ),
    Case(
        rule="advanced_insights_look_far_back",
        bad={"database.insights": "advanced"},
        says="backlot:database: insights_days: insights: advanced keeps 465 days or more, and this "
        "is 7; give 465, or insights: standard",
        good={"database.insights": "advanced", "database.insights_days": 465},
    ),
    Case(
        rule="copies_of_backups_are_elsewhere",
        bad={"backups": {"copy_to": "us-east-1"}},
        says="backlot:backups: copy_to: us-east-1 is where the stack is, and would be lost with "
        "it; give another region",
        good={"backups": {"copy_to": "us-west-2"}},
    ),
    Case(
        rule="copies_of_backups_are_elsewhere",
        bad={**ELSEWHERE, "backups": {"replicate_database": True}},
        says="backlot:backups: replicate_database: true needs a region to keep the database's "
        "backups in; give copy_to, or false",
        good={**ELSEWHERE, "backups": {"replicate_database": True, "copy_to": "us-west-2"}},
    ),
    Case(
        rule="copies_of_backups_are_elsewhere",
        bad={"backups": {"copy_days": 90}},
        says="backlot:backups: copy_days: 90 has no use without copy_to; give copy_to, or remove "
        "it",
        good={"backups": {"copy_days": 90, "copy_to": "us-west-2"}},
    ),
    Case(
        rule="replicated_backups_are_made",
        bad={
            **ELSEWHERE,
            "backups": {"replicate_database": True, "copy_to": "us-west-2"},
            "database.backup_days": 0,
        },
        says="backlot:backups: replicate_database: true has nothing to replicate: "
        "database.backup_days is 0; give at least 1 there, or false here",
        good={
            **ELSEWHERE,
            "backups": {"replicate_database": True, "copy_to": "us-west-2"},
            "database.backup_days": 1,
        },
    ),
    Case(
        rule="replicated_backups_have_a_key_there",
        bad={"backups": {"replicate_database": True, "copy_to": "us-west-2"}},
        says="backlot:backups: replicate_database: true needs a key in the other region, and "
        "keys.customer_managed is false; give true there, or false here",
        good={**ELSEWHERE, "backups": {"replicate_database": True, "copy_to": "us-west-2"}},
    ),
    Case(
        rule="backups_miss_the_maintenance",
        bad={"backups": {"hour": 4}},
        says="backlot:backups: hour: 4 begins a backup at 4:00, and RDS backs nothing up in "
        "database.maintenance_window, sun:04:00-sun:05:00, or in the hour before; move one of "
        "them",
        good={"backups": {"hour": 5}},
    ),
    Case(
        rule="backups_miss_the_maintenance",
        bad={"backups": {"hour": 1}},
        says="backlot:backups: hour: 1 begins a backup at 3:00, and RDS backs nothing up in "
        "database.maintenance_window, sun:04:00-sun:05:00, or in the hour before; move one of "
        "them",
        good={"backups": {"hour": 0}},
    ),
    Case(
        rule="locked_vaults_take_every_backup",
        bad={"backups": {"keep_days": 91, "lock": {"minimum_days": 7, "maximum_days": 90}}},
        says="backlot:backups: keep_days: 91 is outside what the lock takes; give 7 to 90, or "
        "change the lock",
        good={"backups": {"keep_days": 90, "lock": {"minimum_days": 7, "maximum_days": 90}}},
    ),
    Case(
        rule="locked_vaults_take_every_backup",
        bad={
            "backups": {
                "copy_to": "us-west-2",
                "copy_days": 91,
                "lock": {"minimum_days": 7, "maximum_days": 90},
            }
        },
        says="backlot:backups: copy_days: 91 is outside what the lock takes; give 7 to 90, or "
        "change the lock",
        good={
            "backups": {
                "copy_to": "us-west-2",
                "copy_days": 90,
                "lock": {"minimum_days": 7, "maximum_days": 90},
            }
        },
    ),
    Case(
        rule="locked_vaults_take_every_backup",
        bad={"backups": {"lock": {"minimum_days": 40, "maximum_days": 35}}},
        says="backlot:backups: lock.maximum_days: 35 is less than minimum_days, 40; nothing could "
        "be kept; raise it",
        good={
            "backups": {"lock": {"minimum_days": 35, "maximum_days": 35}},
            "database.backup_days": 35,
        },
    ),
    Case(
        rule="locked_vaults_take_every_backup",
        bad={"backups": {"lock": {"minimum_days": 8, "maximum_days": 35}}},
        says="backlot:backups: lock: takes 8 to 35 days, and a point in time is kept for "
        "database.backup_days, 7; change one of them",
        good={
            "backups": {"lock": {"minimum_days": 8, "maximum_days": 35}},
            "database.backup_days": 8,
        },
    ),
    Case(
        rule="slack_hears_of_something",
        bad={"notices.slack": {"workspace": "T01ABCDEFGH"}},
        says="backlot:notices: slack: names a workspace and no channel of it; give critical, "
        "warning or info a channel, or remove it",
        good={"notices.slack": {"workspace": "T01ABCDEFGH", "info": "C07JKLMNPQR"}},
    ),
    Case(
        rule="boundaries_are_of_the_account",
        bad={
            "platform.account_ids": ["210987654321"],
            "platform.permissions_boundary": "arn:aws:iam::123456789012:policy/backlot-workloads",
        },
        says="backlot:platform: permissions_boundary: "
        "arn:aws:iam::123456789012:policy/backlot-workloads is of an account that this stack may "
        "not touch; give the policy of 210987654321",
        good={
            "platform.account_ids": ["123456789012"],
            "platform.permissions_boundary": "arn:aws:iam::123456789012:policy/backlot-workloads",
        },
    ),
    Case(
        rule="passkeys_have_a_plan",
        bad={"users.passkeys": True, "users.tier": "LITE"},
        says="backlot:users: passkeys: true needs tier ESSENTIALS or PLUS, and tier is LITE; "
        "raise it",
        good={"users.passkeys": True, "users.tier": "ESSENTIALS"},
    ),
    Case(
        rule="passkeys_have_a_plan",
        bad={"users.passkeys": True, "users.mfa": "required"},
        says="backlot:users: passkeys: true does not go with mfa: required, which asks for a "
        "second factor every time; give mfa: optional, or false",
        good={"users.passkeys": True, "users.mfa": "optional"},
    ),
    Case(
        rule="sign_in_has_a_name_that_cognito_takes",
        bad={"platform.name": "lawsuit"},
        says="backlot:platform: name: lawsuit-dev holds aws, which Cognito keeps to itself in the "
        "address of the sign-in page; give another name, or take backlot:users out",
        good={"platform.name": "lawsuit", "users": REMOVED},
    ),
    Case(
        rule="protected_users_stay",
        stack="production",
        bad={"users.deletion_protection": False},
        says="backlot:users: deletion_protection: false is refused while platform.protect is true; "
        "give true",
        good={"users.deletion_protection": True},
    ),
    Case(
        rule="protected_network_survives_a_zone",
        stack="production",
        bad={"network.nat": "single"},
        says="backlot:network: nat: single loses every zone's way out with one zone, and "
        "platform.protect is true; give per_zone, or none with interface_endpoints "
        "(then third parties such as openai are out of reach)",
        good={"network.nat": "none", "network.interface_endpoints": GPU_ENDPOINTS},
    ),
    Case(
        rule="protected_database_keeps_its_data",
        stack="production",
        bad={"database.backup_days": 6},
        says="backlot:database: backup_days: 6 is too few while platform.protect is true; "
        "give at least 7",
        good={"database.backup_days": 7},
    ),
    *(
        Case(
            rule=rule,
            stack="production",
            bad={path: given},
            says=f"backlot:{path.replace('.', ': ', 1)}: {str(given).lower()} is refused while "
            f"platform.protect is true; give {str(not given).lower()}",
            good={path: not given},
        )
        for rule, path, given in (
            ("protected_database_keeps_its_data", "database.deletion_protection", False),
            ("protected_database_keeps_its_data", "database.final_snapshot", False),
            ("protected_database_keeps_its_data", "database.multi_az", False),
            ("protected_things_are_not_emptied", "buckets.force_delete", True),
            ("protected_things_are_not_emptied", "registry.force_delete", True),
            ("protected_door_is_encrypted_and_stays", "load_balancer.deletion_protection", False),
            ("protected_stack_wakes_somebody", "notices.muted", True),
        )
    ),
    Case(
        rule="protected_cache_fails_over",
        stack="production",
        bad={"cache.failover": False, "cache.multi_az": False},
        says="backlot:cache: failover: false is refused while platform.protect is true; give true",
        good={"cache.failover": True, "cache.multi_az": False},
    ),
    Case(
        rule="protected_door_is_encrypted_and_stays",
        stack="production",
        bad={"load_balancer.plain_http": True, "domain": REMOVED},
        says="backlot:load_balancer: plain_http: true is refused while platform.protect is true; "
        "add backlot:domain and remove it",
        good={},
    ),
    Case(
        rule="protected_stack_wakes_somebody",
        stack="production",
        bad={"notices.critical": []},
        says="backlot:notices: critical: nobody would be woken, and platform.protect is true; "
        "give at least one address",
        good={"notices.critical": ["oncall@studio.example"], "notices.info": []},
    ),
]

IDS = [f"{case.rule}: {case.says.partition(' ')[2]}"[:90] for case in CASES]


def base(stack: str) -> str:
    return stack if stack in ("dev", "staging", "production") else "dev"


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_broken_rule_is_refused_in_so_many_words(case: Case) -> None:
    assert refused(case.bad, base(case.stack), stack_name=case.stack) == [case.says]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_nearest_allowed_values_load(case: Case) -> None:
    accepted(case.good, base(case.stack), stack_name=case.good_stack or case.stack)


@pytest.mark.parametrize(
    "variable",
    [
        "DATABASE_REPLICA_URL",
        "REDIS_URL",
        "QUEUE_URL",
        "QUEUE_URL_RENDER",
        "PGPASSWORD",
        "MEDIA_BUCKET",
        "JOB_LIMIT_SECONDS",
        "AWS_ACCESS_KEY_ID",
        "ECS_CONTAINER_METADATA_URI_V4",
    ],
)
def test_variables_of_the_platform_and_of_aws_are_taken(variable: str) -> None:
    says = f"{variable} is set by the platform or by AWS; give another name"

    assert refused({"api.environment": {variable: "x"}}) == [
        f"backlot:api: environment.{variable}: {says}"
    ]
    assert refused({"workers.render.environment": {variable: "x"}}) == [
        f"backlot:workers: render.environment.{variable}: {says}"
    ]
    assert refused({"secrets.jwt.environment": variable}) == [
        f"backlot:secrets: jwt.environment: {says}"
    ]


@pytest.mark.parametrize("through", [THROUGH_CLOUDFRONT, THROUGH_GATEWAY])
def test_a_door_takes_the_silence_that_nobody_asked_for(through: Change) -> None:
    assert accepted(through).load_balancer.idle_seconds == 60


def test_without_any_secret_only_the_secrets_are_complained_about() -> None:
    change = {"secrets": {}, "services.admin": {**ADMIN, "secrets": ["stripe"]}}

    [line] = refused(change)

    assert line.startswith(
        "backlot:secrets: holds no secret, and anthropic, openai, jwt, stripe, replicate, suno are"
    )


def test_the_longest_names_that_pass_fit_the_services_they_are_given_to() -> None:
    stack = accepted({"platform.name": "twenty-letters-long1"}, stack_name="eight-ch")
    longest = "n" * 24  # settings.fields.Name

    assert len(stack.prefix) == 29
    assert len(f"{stack.prefix}-backups-{'0' * 12}-us-east-1-an") == 63  # S3
    assert len(f"{stack.prefix}-{longest}-dead-letter") <= 80  # SQS
    assert len(f"{stack.prefix}-database-replica-15") <= 63  # RDS
    assert len(f"{stack.prefix}/{longest}") <= 256  # ECR
    assert len(f"/ecs/{stack.prefix}-worker-{longest}") <= 512  # CloudWatch Logs


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == {rule.__name__ for rule in INVARIANTS}


def test_a_rule_says_nothing_when_a_section_it_reads_is_unreadable() -> None:
    change = {"database.replicas": {"count": 2}, "database.backup_days": "many"}

    assert refused(change) == [
        'backlot:database: backup_days: "many" is text; give a whole number, 0 to 35'
    ]


def test_a_rule_speaks_beside_errors_of_sections_it_does_not_read() -> None:
    change = {"database.replicas": {"count": 2}, "cache.nodes": "many"}

    assert refused(change) == [
        (
            "backlot:database: replicas.count: 2 replicas need credentials: rotated or iam "
            "(managed passwords cannot have replicas)"
        ),
        'backlot:cache: nodes: "many" is text; give a whole number, 1 to 6',
    ]


@pytest.mark.parametrize(
    ("cpu", "allowed", "refused_memory"),
    [
        (256, [512, 1024, 2048], [1536, 3072]),
        (512, [1024, 2048, 3072, 4096], [512, 5120]),
        (1024, [2048, 3072, 8192], [1024, 9216]),
        (2048, [4096, 5120, 16384], [3072, 17408]),
        (4096, [8192, 9216, 30720], [7168, 31744]),
        (8192, [16384, 20480, 61440], [12288, 17408, 65536]),
        (16384, [32768, 40960, 122880], [24576, 36864]),
    ],
)
def test_fargate_takes_the_pairs_of_its_table_and_no_others(  # M30
    cpu: int, allowed: list[int], refused_memory: list[int]
) -> None:
    for memory in allowed:
        assert accepted({"api.fargate.cpu": cpu, "api.fargate.memory": memory})
    for memory in refused_memory:
        [line] = refused({"api.fargate.cpu": cpu, "api.fargate.memory": memory})
        assert f"{memory} MiB does not go with cpu {cpu} on Fargate" in line


def test_an_unprotected_stack_may_risk_what_a_protected_one_may_not() -> None:
    stack = accepted({})

    assert not stack.platform.protect
    assert stack.network.nat == "single"
    assert stack.buckets.force_delete
    assert stack.notices.critical == ()
