"""What an account needs before the studio, as type, name and inputs of each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

BOOTSTRAP_SAMPLES: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    (
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "believed",
        {
            "url": "https://token.actions.githubusercontent.com",
            "clientIdLists": ["sts.amazonaws.com"],
        },
    ),
    (
        "aws:kms/replicaKey:ReplicaKey",
        "key-elsewhere",
        {
            "primaryKeyArn": "{key.arn}",
            "description": "for reading copies",
            "deletionWindowInDays": 30,
            "region": "us-west-2",
        },
    ),
)
