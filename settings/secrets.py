"""`backlot:secrets`: a shell per third-party key. Values never stand here."""

from __future__ import annotations

from typing import Literal

from settings.fields import EnvironmentName, Section


class SecretSettings(Section):
    environment: EnvironmentName
    """The variable under which containers read it."""
    store: Literal["secretsmanager", "ssm"] = "secretsmanager"
    """Secrets Manager (0.40 USD a month each) or an SSM SecureString (free)."""
