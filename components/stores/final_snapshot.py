"""The name of the snapshot that a store leaves behind."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_random as random

from components.ground import Ground
from components.naming import physical_name


def final_snapshot_identifier(
    name: str,
    ground: Ground,
    store: str,
    replaced_by: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """`<prefix>-<store>-final-<8 hex digits>`.

    A snapshot outlives its store, so a fixed name would stop the second deletion. The digits are
    new whenever something in `replaced_by` is, or the key that encrypts the store: those are what
    makes AWS replace it.
    """
    key_arn = "" if ground.data_key_arn is None else ground.data_key_arn
    keepers = {**replaced_by, "key": key_arn}
    suffix = random.RandomId(name, byte_length=4, keepers=keepers, opts=opts)
    lead = physical_name("snapshot", ground.prefix, store, "final")
    return pulumi.Output.concat(lead, "-", suffix.hex)
