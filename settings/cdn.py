"""`backlot:cdn`: CloudFront in front of the site, the media and the installers."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from settings.fields import Name, Section, form

_KINDS = (
    b"\x2a\x86\x48\xce\x3d\x03\x01\x07",  # The curve's object identifier.
    b"\x02\x82\x01\x01\x00",  # An integer of 257 bytes, the first of them 0: RSA's modulus.
)
"""How P-256 and RSA of 2048 bits show in a public key."""


def _signs_for_cloudfront(pem: str) -> str:
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_PublicKey.html"""
    inside = "".join(pem.strip().splitlines()[1:-1])
    try:
        key = base64.b64decode(inside, validate=True)
    except ValueError:
        raise ValueError("is cut short or altered; give the whole file") from None
    if not any(kind in key for kind in _KINDS):
        raise ValueError(
            "is of a kind that CloudFront does not read; give RSA of 2048 bits, or the curve P-256"
        )
    return pem


PublicKeyPem = Annotated[
    str,
    form(
        r"^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+\n-----END PUBLIC KEY-----\n?$",
        "give the public key in PEM, as `openssl rsa -pubout` or `openssl ec -pubout` writes it",
        max_length=4096,
        examples=["-----BEGIN PUBLIC KEY-----\n...\n-----END PUBLIC KEY-----"],
    ),
    AfterValidator(_signs_for_cloudfront),
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
