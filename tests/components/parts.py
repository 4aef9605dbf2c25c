"""What several component tests need: a ground to stand on, and metrics made readable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.ground import Ground, Place
from components.keys import Keys, KeysArgs
from components.logs import Logs
from components.network import Network, NetworkArgs
from components.notices import Notices, NoticesArgs
from components.observe import Expression, Metric
from settings.keys import KeysSettings
from settings.logs import LogsSettings
from settings.network import NetworkSettings
from settings.notices import NoticesSettings

PREFIX = "backlot-dev"
DATA_KEY = "arn:aws:kms:us-east-1:123456789012:key/data"


def ground(
    *,
    data_key_arn: str | None = None,
    protect: bool = False,
    edge: bool = False,
    tags: Mapping[str, str] | None = None,
) -> Ground:
    """A stack's ground with made-up ids."""
    return Ground(
        prefix=PREFIX,
        region="us-east-1",
        account_id="123456789012",
        protect=protect,
        edge=edge,
        tags=tags or {},
        vpc_id="vpc-1",
        public_subnet_ids=["subnet-public-a", "subnet-public-b"],
        private_subnet_ids=["subnet-private-a", "subnet-private-b"],
        database_subnet_ids=["subnet-database-a", "subnet-database-b"],
        data_key_arn=data_key_arn,
        logs=Logs(settings=LogsSettings(retention_days=7), prefix=PREFIX, key_arn=None),
    )


def ground_in_moto(
    opts: pulumi.ResourceOptions, *, customer_managed: bool = False, **place_changes: Any
) -> Ground:
    """A ground with a network and keys that are made, for what is to be made on it in moto."""
    place = Place(
        **{
            "prefix": PREFIX,
            "region": "us-east-1",
            "account_id": "123456789012",
            "protect": False,
            "edge": False,
            "tags": {},
            **place_changes,
        }
    )
    logs = Logs(settings=LogsSettings(retention_days=7), prefix=PREFIX, key_arn=None)
    settings = KeysSettings(customer_managed=customer_managed)
    keys = Keys("ground-keys", KeysArgs(settings=settings, place=place), opts)
    network = NetworkSettings(cidr="10.1.0.0/16", zones=("a", "b"), nat="none")
    made = Network("network", NetworkArgs(settings=network, place=place, logs=logs), opts)
    return made.ground(place, data_key_arn=keys.data_arn, logs=logs)


def silent_notices(opts: pulumi.ResourceOptions) -> Notices:
    """The topics, heard by nobody."""
    keys = Keys(
        "keys", KeysArgs(settings=KeysSettings(customer_managed=False), place=ground()), opts
    )
    return Notices(
        "notices", NoticesArgs(settings=NoticesSettings(), place=ground(), keys=keys), opts
    )


def export_watched(name: str, watched: Mapping[str, Metric | Expression]) -> None:
    """Make `watched` readable as the output `name`: its dimensions are only known at the end."""
    pulumi.export(name, {key: described(watch) for key, watch in watched.items()})


def described(watch: Metric | Expression) -> dict[str, Any]:
    if isinstance(watch, Expression):
        return {key: described(metric) for key, metric in watch.metrics.items()}
    return {
        "metric": f"{watch.namespace} {watch.name}",
        "statistic": watch.statistic,
        "period": watch.period,
        "dimensions": dict(watch.dimensions),
    }
