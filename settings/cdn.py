"""`backlot:cdn`: CloudFront in front of the site, the media and the installers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.fields import Name, Section, form

PublicKeyPem = Annotated[
    str,
    form(
        r"^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+\n-----END PUBLIC KEY-----\n?$",
        "give the public key in PEM, as `openssl rsa -pubout` or `openssl ec -pubout` writes it",
        max_length=4096,
        examples=["-----BEGIN PUBLIC KEY-----\n...\n-----END PUBLIC KEY-----"],
    ),
]


class CdnSettings(Section):
    price_class: Literal["100", "200", "all"] = "100"
    """Where CloudFront answers from: 100 is North America and Europe, and the cheapest."""
    origin_shield: bool = False
    """One more cache before the buckets: fewer reads of media that is watched everywhere, for
    0.0075 to 0.0090 USD per 10,000 requests."""
    signing_keys: dict[Name, PublicKeyPem] = Field(default_factory=dict)
    """Public keys whose signatures open media. Absent: media is open to whoever has its address.
    Two at once while one is being replaced; the private halves never stand here."""
    content_security_policy: str | None = None
    """What the site's pages may load. Absent: the header is left to the pages."""
    long_lived_days: Annotated[int, Field(ge=1, le=365)] = 365
    """How long caches keep an installer, whose name holds its version."""
