"""The figures of the briefs, read back from the stack files that stand in the tree."""

from __future__ import annotations

import ipaddress
import itertools

import pytest

import settings
from settings.gpu import GPU_INSTANCES
from settings.workers import GpuFleetSettings
from tests.settings.stack_files import FILES, STACKS, parse


@pytest.fixture(scope="module")
def stacks() -> dict[str, settings.Settings]:
    return {stack: parse(FILES[stack], stack) for stack in STACKS}


def test_networks_stand_apart_in_address_space(stacks: dict[str, settings.Settings]) -> None:
    assert {name: stack.network.cidr for name, stack in stacks.items()} == {  # M1
        "dev": "10.0.0.0/16",
        "staging": "10.2.0.0/16",
        "production": "10.3.0.0/16",
    }


def test_no_two_environments_share_an_address(stacks: dict[str, settings.Settings]) -> None:
    networks = [ipaddress.IPv4Network(stack.network.cidr) for stack in stacks.values()]

    assert not [pair for pair in itertools.combinations(networks, 2) if pair[0].overlaps(pair[1])]
    assert len({stack.prefix for stack in stacks.values()}) == len(STACKS)  # M12


def test_production_spreads_over_three_zones_and_the_others_over_two(
    stacks: dict[str, settings.Settings],
) -> None:
    assert {name: stack.network.zones for name, stack in stacks.items()} == {  # M5
        "dev": ("a", "b"),
        "staging": ("a", "b"),
        "production": ("a", "b", "c"),
    }


def test_nat_is_per_zone_in_production_and_single_elsewhere(
    stacks: dict[str, settings.Settings],
) -> None:
    assert {name: stack.network.nat for name, stack in stacks.items()} == {  # M7
        "dev": "single",
        "staging": "single",
        "production": "per_zone",
    }


def test_the_api_scales_within_the_briefs_ranges(stacks: dict[str, settings.Settings]) -> None:
    on_fargate = {name: stack.api.fargate for name, stack in stacks.items()}
    assert {
        name: size and (size.min_tasks, size.max_tasks) for name, size in on_fargate.items()
    } == {"dev": (1, 2), "staging": (2, 4), "production": (4, 10)}  # M29
    on_ec2 = {name: stack.api.ec2 for name, stack in stacks.items()}
    assert {
        name: size and (size.instance_type, size.min_instances, size.max_instances)
        for name, size in on_ec2.items()
    } == {  # M38, with t4g for t3
        "dev": ("t4g.small", 1, 2),
        "staging": ("t4g.medium", 2, 5),
        "production": ("t4g.large", 2, 10),
    }
    on_beanstalk = stacks["production"].api.beanstalk
    assert on_beanstalk
    assert (on_beanstalk.min_instances, on_beanstalk.max_instances) == (2, 10)  # M40


def test_a_new_version_of_the_api_comes_in_the_same_way_everywhere_but_for_the_bake(
    stacks: dict[str, settings.Settings],
) -> None:
    assert {name: stack.api.deployment.bake_minutes for name, stack in stacks.items()} == {
        "dev": 0,
        "staging": 5,
        "production": 10,
    }
    for stack in stacks.values():
        assert stack.api.kind == "fargate"
        assert stack.api.fargate
        assert stack.api.fargate.strategy == "blue_green"  # M116
        migration = stack.api.deployment.migration
        assert migration
        assert migration.command == ("alembic", "upgrade", "head")  # M113
        smoke = stack.api.deployment.smoke
        assert smoke.paths == ("/health", "/api/health/db", "/api/health/redis")  # M114
        assert (smoke.answers, smoke.limit_seconds) == (3, 180)


def test_the_api_listens_and_answers_as_the_briefs_say(
    stacks: dict[str, settings.Settings],
) -> None:
    for stack in stacks.values():
        health = stack.api.health
        assert stack.api.port == 8000  # M30
        assert (
            health.interval_seconds,
            health.timeout_seconds,
            health.retries,
            health.start_seconds,
        ) == (30, 5, 3, 60)  # M34
        assert stack.api.fargate
        assert (stack.api.fargate.cpu_target, stack.api.cooldown_seconds) == (70, 300)  # M35
        assert (stack.api.fargate.memory_target, stack.api.cooldown_seconds) == (80, 300)  # M36


def gpu_fleet(stack: settings.Settings) -> GpuFleetSettings:
    fleet = stack.workers["render"]
    assert isinstance(fleet, GpuFleetSettings)
    return fleet


def test_the_gpu_fleet_is_sized_and_split_as_the_briefs_say(
    stacks: dict[str, settings.Settings],
) -> None:
    assert {
        name: (
            gpu_fleet(stack).min_workers,
            gpu_fleet(stack).max_workers,
            gpu_fleet(stack).on_demand_percent,
        )
        for name, stack in stacks.items()
    } == {"dev": (0, 1, 100), "staging": (0, 4, 30), "production": (2, 20, 30)}  # M49


def test_dev_and_staging_go_to_zero_workers_and_production_never_does(
    stacks: dict[str, settings.Settings],
) -> None:
    at_rest = {name: stack.workers["render"].min_workers for name, stack in stacks.items()}

    assert at_rest["dev"] == at_rest["staging"] == 0  # M52
    assert at_rest["production"] > 0


def test_the_fleet_buys_the_gpus_the_briefs_name(stacks: dict[str, settings.Settings]) -> None:
    for stack in stacks.values():
        types = gpu_fleet(stack).types_in(stack.region)
        assert types == ("g6.xlarge", "g5.xlarge")  # M48
        assert all(GPU_INSTANCES[each].gpus == 1 for each in types)


def test_the_database_has_the_briefs_classes(stacks: dict[str, settings.Settings]) -> None:
    assert {name: stack.database.instance_class for name, stack in stacks.items()} == {  # M58
        "dev": "db.t4g.micro",
        "staging": "db.t4g.medium",
        "production": "db.r6g.xlarge",
    }


def test_storage_grows_from_the_briefs_start_to_their_end(
    stacks: dict[str, settings.Settings],
) -> None:
    assert {
        name: (stack.database.storage_gb.initial, stack.database.storage_gb.maximum)
        for name, stack in stacks.items()
    } == {"dev": (20, 100), "staging": (100, 500), "production": (100, 500)}  # M59


def test_the_database_has_a_standby_everywhere_but_in_dev(
    stacks: dict[str, settings.Settings],
) -> None:
    assert {name: stack.database.multi_az for name, stack in stacks.items()} == {  # M61
        "dev": False,
        "staging": True,
        "production": True,
    }


def test_replicas_are_as_many_and_as_large_as_the_briefs_say(
    stacks: dict[str, settings.Settings],
) -> None:
    assert {
        name: (
            stack.database.replicas.count,
            stack.database.replicas.instance_class or stack.database.instance_class,
        )
        for name, stack in stacks.items()
    } == {  # M62
        "dev": (0, "db.t4g.micro"),
        "staging": (1, "db.t4g.medium"),
        "production": (2, "db.r6g.large"),
    }


def test_backups_reach_as_far_back_as_the_briefs_say(
    stacks: dict[str, settings.Settings],
) -> None:
    assert {name: stack.database.backup_days for name, stack in stacks.items()} == {  # M63
        "dev": 7,
        "staging": 7,
        "production": 30,
    }
    for stack in stacks.values():
        assert stack.database.backup_window == "03:00-04:00"  # M63
        assert stack.database.maintenance_window == "sun:04:00-sun:05:00"  # M63


def test_only_productions_database_refuses_deletion(stacks: dict[str, settings.Settings]) -> None:
    assert {
        name: (stack.database.deletion_protection, stack.database.final_snapshot)
        for name, stack in stacks.items()
    } == {"dev": (False, False), "staging": (False, False), "production": (True, True)}  # M64


def test_statements_slower_than_a_second_are_logged(stacks: dict[str, settings.Settings]) -> None:
    assert all(stack.database.slow_query_ms == 1000 for stack in stacks.values())  # M65


def test_the_cache_has_the_briefs_nodes(stacks: dict[str, settings.Settings]) -> None:
    assert {
        name: (stack.cache.nodes, stack.cache.node_type) for name, stack in stacks.items()
    } == {  # M69
        "dev": (1, "cache.t4g.micro"),
        "staging": (2, "cache.t4g.medium"),
        "production": (3, "cache.r6g.large"),
    }


def test_the_cache_fails_over_where_it_has_a_replica(stacks: dict[str, settings.Settings]) -> None:
    assert {
        name: (stack.cache.failover, stack.cache.multi_az) for name, stack in stacks.items()
    } == {"dev": (False, False), "staging": (True, True), "production": (True, True)}  # M70


def test_backups_in_buckets_are_kept_ninety_days(stacks: dict[str, settings.Settings]) -> None:
    assert all(stack.buckets.backups_days == 90 for stack in stacks.values())  # M78


def test_the_third_party_keys_of_the_briefs_have_a_shell(
    stacks: dict[str, settings.Settings],
) -> None:
    for stack in stacks.values():
        assert {name: secret.environment for name, secret in stack.secrets.items()} == {  # M32, M82
            "anthropic": "ANTHROPIC_API_KEY",
            "openai": "OPENAI_API_KEY",
            "replicate": "REPLICATE_API_KEY",
            "suno": "SUNO_API_KEY",
            "jwt": "JWT_SECRET",
        }


def test_logs_are_kept_a_month_in_production_and_a_week_elsewhere(
    stacks: dict[str, settings.Settings],
) -> None:
    assert {name: stack.logs.retention_days for name, stack in stacks.items()} == {  # M88
        "dev": 7,
        "staging": 7,
        "production": 30,
    }


def test_a_backlog_of_fifty_warns(stacks: dict[str, settings.Settings]) -> None:
    assert all(stack.queues["render"].backlog_alarm == 50 for stack in stacks.values())  # M98


def test_a_media_bucket_of_a_hundred_gb_warns(stacks: dict[str, settings.Settings]) -> None:
    assert all(stack.buckets.media.alarm_gb * 2**30 == 107374182400 for stack in stacks.values())
    # M100


def test_the_budget_is_the_briefs_where_it_holds_the_floor(
    stacks: dict[str, settings.Settings],
) -> None:
    assert {name: stack.budget.monthly_usd for name, stack in stacks.items()} == {  # M121
        "dev": 335,
        "staging": 1000,
        "production": 3000,  # The brief has 2600, less than what stands all month.
    }


def test_only_production_is_protected_and_every_stack_names_itself(
    stacks: dict[str, settings.Settings],
) -> None:
    assert {name: stack.platform.protect for name, stack in stacks.items()} == {
        "dev": False,
        "staging": False,
        "production": True,
    }
    assert stacks["dev"].prefix == "backlot-dev"
    assert stacks["production"].tags == {  # M109
        "Owner": "platform",
        "Project": "backlot",
        "Environment": "production",
        "ManagedBy": "pulumi",
    }
