"""Rules of what watches a stack and of what keeps its data."""

from __future__ import annotations

from settings.backups import RULES_APART_HOURS, BackupsSettings
from settings.buckets import BucketsSettings
from settings.cache import CacheSettings
from settings.database import DatabaseSettings
from settings.invariants.base import Violation, Violations, invariant
from settings.invariants.windows import meet, of_the_week
from settings.keys import KeysSettings
from settings.load_balancer import LoadBalancerSettings
from settings.network import NetworkSettings
from settings.notices import NoticesSettings
from settings.platform import PlatformSettings
from settings.registry import RegistrySettings
from settings.users import UsersSettings


@invariant
def copies_of_backups_are_elsewhere(backups: BackupsSettings | None, region: str) -> Violations:
    if backups is None:
        return
    if backups.copy_to == region:
        yield Violation(
            "backups",
            "copy_to",
            f"{region} is where the stack is, and would be lost with it; give another region",
        )
    if backups.copy_to is None and backups.replicate_database:
        yield Violation(
            "backups",
            "replicate_database",
            "true needs a region to keep the database's backups in; give copy_to, or false",
        )
    if backups.copy_to is None and "copy_days" in backups.model_fields_set:
        yield Violation(
            "backups",
            "copy_days",
            f"{backups.copy_days} has no use without copy_to; give copy_to, or remove it",
        )


@invariant
def replicated_backups_are_made(
    backups: BackupsSettings | None, database: DatabaseSettings
) -> Violations:
    if backups and backups.replicate_database and database.backup_days == 0:
        yield Violation(
            "backups",
            "replicate_database",
            "true has nothing to replicate: database.backup_days is 0; give at least 1 there, "
            "or false here",
        )


@invariant
def replicated_backups_have_a_key_there(
    backups: BackupsSettings | None, keys: KeysSettings
) -> Violations:
    """The keys AWS owns are of one region; a copy of an encrypted database needs one elsewhere."""
    if backups and backups.replicate_database and not keys.customer_managed:
        yield Violation(
            "backups",
            "replicate_database",
            "true needs a key in the other region, and keys.customer_managed is false; give true "
            "there, or false here",
        )


@invariant
def backups_miss_the_maintenance(
    backups: BackupsSettings | None, database: DatabaseSettings
) -> Violations:
    """A database is not backed up while it is maintained, nor in the hour before.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/whatisbackup.html
    """
    if backups is None:
        return
    begins, lasts = of_the_week(database.maintenance_window)
    for hour in (backups.hour, backups.hour + RULES_APART_HOURS):
        # A job begins within an hour of its time.
        if meet((hour % 24 * 60, 60), (begins - 60, lasts + 60)):
            yield Violation(
                "backups",
                "hour",
                f"{backups.hour} begins a backup at {hour % 24}:00, and RDS backs nothing up in "
                f"database.maintenance_window, {database.maintenance_window}, or in the hour "
                "before; move one of them",
            )
            return


@invariant
def locked_vaults_take_every_backup(
    backups: BackupsSettings | None, database: DatabaseSettings
) -> Violations:
    """AWS Backup fails every job whose retention a vault's lock does not allow."""
    if backups is None or backups.lock is None:
        return
    least, most = backups.lock.minimum_days, backups.lock.maximum_days
    if least > most:
        yield Violation(
            "backups",
            "lock.maximum_days",
            f"{most} is less than minimum_days, {least}; nothing could be kept; raise it",
        )
        return
    kept = [("keep_days", backups.keep_days)]
    if backups.copy_to:
        kept.append(("copy_days", backups.copy_days))
    if database.backup_days and not least <= database.backup_days <= most:
        yield Violation(
            "backups",
            "lock",
            f"takes {least} to {most} days, and a point in time is kept for database.backup_days, "
            f"{database.backup_days}; change one of them",
        )
    for path, days in kept:
        if not least <= days <= most:
            yield Violation(
                "backups",
                path,
                f"{days} is outside what the lock takes; give {least} to {most}, "
                "or change the lock",
            )


@invariant
def slack_hears_of_something(notices: NoticesSettings) -> Violations:
    slack = notices.slack
    if slack and not (slack.critical or slack.warning or slack.info):
        yield Violation(
            "notices",
            "slack",
            "names a workspace and no channel of it; give critical, warning or info a channel, "
            "or remove it",
        )


@invariant
def protected_users_stay(platform: PlatformSettings, users: UsersSettings | None) -> Violations:
    if platform.protect and users and not users.deletion_protection:
        yield _needs_protection("users", "deletion_protection", wanted=True)


@invariant
def protected_network_survives_a_zone(
    platform: PlatformSettings, network: NetworkSettings
) -> Violations:
    if platform.protect and network.nat == "single":
        yield Violation(
            "network",
            "nat",
            "single loses every zone's way out with one zone, and platform.protect is true; "
            "give per_zone, or none with interface_endpoints (then third parties such as openai "
            "are out of reach)",
        )


@invariant
def protected_database_keeps_its_data(
    platform: PlatformSettings, database: DatabaseSettings
) -> Violations:
    if not platform.protect:
        return
    if database.backup_days < 7:
        yield Violation(
            "database",
            "backup_days",
            f"{database.backup_days} is too few while platform.protect is true; give at least 7",
        )
    for path, held in (
        ("deletion_protection", database.deletion_protection),
        ("final_snapshot", database.final_snapshot),
        ("multi_az", database.multi_az),
    ):
        if not held:
            yield _needs_protection("database", path, wanted=True)


@invariant
def protected_cache_fails_over(platform: PlatformSettings, cache: CacheSettings) -> Violations:
    if platform.protect and not cache.failover:
        yield _needs_protection("cache", "failover", wanted=True)


@invariant
def protected_things_are_not_emptied(
    platform: PlatformSettings, buckets: BucketsSettings, registry: RegistrySettings
) -> Violations:
    if not platform.protect:
        return
    for section, forced in (("buckets", buckets.force_delete), ("registry", registry.force_delete)):
        if forced:
            yield _needs_protection(section, "force_delete", wanted=False)


@invariant
def protected_door_is_encrypted_and_stays(
    platform: PlatformSettings, load_balancer: LoadBalancerSettings
) -> Violations:
    if not platform.protect:
        return
    if load_balancer.plain_http:
        yield Violation(
            "load_balancer",
            "plain_http",
            "true is refused while platform.protect is true; add backlot:domain and remove it",
        )
    if not load_balancer.deletion_protection:
        yield _needs_protection("load_balancer", "deletion_protection", wanted=True)


@invariant
def protected_stack_wakes_somebody(
    platform: PlatformSettings, notices: NoticesSettings
) -> Violations:
    if not platform.protect:
        return
    if not notices.critical:
        yield Violation(
            "notices",
            "critical",
            "nobody would be woken, and platform.protect is true; give at least one address",
        )
    if notices.muted:
        yield _needs_protection("notices", "muted", wanted=False)


def _needs_protection(section: str, path: str, *, wanted: bool) -> Violation:
    given, needed = str(not wanted).lower(), str(wanted).lower()
    return Violation(
        section, path, f"{given} is refused while platform.protect is true; give {needed}"
    )
