"""`backlot:notices`: who hears of what, by severity."""

from __future__ import annotations

from settings.fields import Email, Section, Unique


class NoticesSettings(Section):
    critical: Unique[Email] = ()
    """Woken at night: users feel it now."""
    warning: Unique[Email] = ()
    """Looked at in the morning: users will feel it."""
    info: Unique[Email] = ()
    """Read when somebody wonders."""
    muted: bool = False
    """True: alarms change colour and tell nobody."""
