"""The name of the snapshot that a store leaves behind."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_random as random

from components.naming import physical_name


def final_snapshot_identifier(
    name: str,
    prefix: str,
    store: str,
    replaced_by: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """`<prefix>-<store>-final-<8 hex digits>`.

    A snapshot outlives its store, so a fixed name would stop the second deletion. The digits are
    new whenever something in `replaced_by` is, which is what makes AWS replace the store.
    """
    suffix = random.RandomId(name, byte_length=4, keepers=dict(replaced_by), opts=opts)
    return pulumi.Output.concat(physical_name("snapshot", prefix, store, "final"), "-", suffix.hex)
