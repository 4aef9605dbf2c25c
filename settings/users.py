"""`backlot:users`: the Cognito user pool that people sign in to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.fields import Section, Unique, form

CallbackUrl = Annotated[
    str,
    form(
        r"^(https://[^\s#]+|http://localhost(:[0-9]+)?(/[^\s#]*)?|[a-z][a-z0-9+.-]*://[^\s#]+)$",
        "give https:// and where to return to, http://localhost, or an app's own scheme",
        max_length=1024,
        examples=["https://app.studio.example/callback"],
    ),
]


class PasswordSettings(Section):
    minimum_length: Annotated[int, Field(ge=8, le=99)] = 12
    """Characters. Length protects; rules about signs only annoy."""
    require_lowercase: bool = False
    """At least one lower-case letter."""
    require_uppercase: bool = False
    """At least one capital."""
    require_numbers: bool = False
    """At least one digit."""
    require_symbols: bool = False
    """At least one other sign."""
    temporary_days: Annotated[int, Field(ge=1, le=365)] = 7
    """How long an invitation's password is good."""


class UsersSettings(Section):
    tier: Literal["LITE", "ESSENTIALS", "PLUS"] = "ESSENTIALS"
    """Cognito's feature plan. PLUS adds threat protection and costs more per user."""
    mfa: Literal["none", "optional", "required"]
    """A second factor: an authenticator app."""
    passkeys: bool = False
    """Sign in without a password as well; not on LITE, and not while mfa is required."""
    self_sign_up: bool = True
    """False: only administrators make users."""
    deletion_protection: bool
    """AWS refuses to delete the pool while this holds."""
    password: PasswordSettings = PasswordSettings()
    """What a password must be."""
    callback_urls: Annotated[Unique[CallbackUrl], Field(min_length=1)]
    """Where a sign-in may return to."""
    logout_urls: Unique[CallbackUrl] = ()
    """Where a sign-out may return to."""
    access_minutes: Annotated[int, Field(ge=5, le=1440)] = 60
    """How long an access or ID token is good."""
    refresh_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """How long somebody stays signed in."""
