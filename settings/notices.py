"""`backlot:notices`: who hears of what, by severity."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Email, Name, Section, TimeOfDay, TimeZone, Unique, Weekday, form

SlackChannel = Annotated[
    str,
    form(
        r"^[CG][A-Z0-9]{8,20}$",
        "give the channel's id, as its link ends: C or G and capital letters and digits",
        examples=["C07JKLMNPQR"],
    ),
]


class SlackSettings(Section):
    workspace: Annotated[
        str,
        form(
            r"^T[A-Z0-9]{8,20}$",
            "give the workspace's id: T and capital letters and digits",
            examples=["T01ABCDEFGH"],
        ),
    ]
    """Authorised once by hand in the console of Amazon Q Developer in chat applications."""
    critical: SlackChannel | None = None
    """Where critical notices are told as well. Absent: by e-mail alone."""
    warning: SlackChannel | None = None
    """The same for warnings."""
    info: SlackChannel | None = None
    """The same for what is only read."""


class MuteWindowSettings(Section):
    days: Annotated[Unique[Weekday], Field(min_length=1)]
    """On which it begins."""
    at: TimeOfDay
    """When it begins."""
    hours: Annotated[int, Field(ge=1, le=24)]
    """How long it lasts."""
    time_zone: TimeZone = "UTC"
    """Whose clock `at` is read from; it follows that zone's summer time."""


class NoticesSettings(Section):
    critical: Unique[Email] = ()
    """Woken at night: users feel it now."""
    warning: Unique[Email] = ()
    """Looked at in the morning: users will feel it."""
    info: Unique[Email] = ()
    """Read when somebody wonders: what was deployed, what scaled, whether the platform is whole."""
    slack: SlackSettings | None = None
    """Slack channels that are told too. Absent: e-mail alone."""
    mute_windows: dict[Name, MuteWindowSettings] = Field(
        default_factory=dict,
        examples=[{"upkeep": {"days": ["sun"], "at": "04:00", "hours": 1}}],
    )
    """Times at which no alarm tells anybody, such as the weekly maintenance."""
    muted: bool = False
    """True: alarms change colour and tell nobody."""
