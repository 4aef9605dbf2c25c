"""Resources made without moto: identifiers drawn from the URN, in the shapes AWS gives them."""

from __future__ import annotations

import base64
import hashlib
import string
import uuid
from typing import Any

from rehearsal.graph import Resource


def hexadecimal(urn: str, length: int) -> str:
    """`length` hexadecimal digits that depend on the URN alone."""
    return hashlib.shake_256(urn.encode()).hexdigest((length + 1) // 2)[:length]


def uuid_of(urn: str) -> str:
    return str(uuid.UUID(bytes=hashlib.shake_256(urn.encode()).digest(16), version=4))


def text(urn: str, length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """`length` characters of `alphabet` that depend on the URN alone."""
    drawn = hashlib.shake_256(urn.encode()).digest(length * 2)
    return "".join(
        alphabet[int.from_bytes(drawn[at : at + 2]) % len(alphabet)]
        for at in range(0, length * 2, 2)
    )


def arn(service: str, region: str, account: str, kind: str, id: str) -> str:
    return id if id.startswith("arn:") else f"arn:aws:{service}:{region}:{account}:{kind}/{id}"


def random_outputs(resource: Resource) -> tuple[str, dict[str, Any]] | None:
    """Id and outputs of a `random` resource, or None for a type that is not known."""
    kind = resource.type.rpartition(":")[2]
    make = {
        "RandomPassword": _password,
        "RandomString": _string,
        "RandomId": _id,
        "RandomPet": _pet,
        "RandomUuid": _uuid,
        "RandomInteger": _integer,
    }.get(kind)
    return make(resource) if make else None


def _string(resource: Resource) -> tuple[str, dict[str, Any]]:
    inputs = resource.inputs
    special = str(inputs.get("overrideSpecial", "!@#$%&*()-_=+[]{}<>:?"))
    classes = [
        characters
        for name, characters in (
            ("lower", string.ascii_lowercase),
            ("upper", string.ascii_uppercase),
            ("numeric", string.digits),
            ("special", special),
        )
        if inputs.get(name, True) and characters
    ]
    length = int(inputs.get("length", 16))
    # One of every class first, so that a value always satisfies the service's own password rule.
    starts = "".join(text(f"{resource.urn} {at}", 1, one) for at, one in enumerate(classes))
    drawn = (starts + text(resource.urn, length, "".join(classes)))[:length]
    return drawn, {**inputs, "result": drawn}


def _password(resource: Resource) -> tuple[str, dict[str, Any]]:
    drawn, outputs = _string(resource)
    return "none", {**outputs, "bcryptHash": f"$2a$10${text(drawn, 53)}"}


def _id(resource: Resource) -> tuple[str, dict[str, Any]]:
    size = int(resource.inputs.get("byteLength", 8))
    drawn = hashlib.shake_256(resource.urn.encode()).digest(size)
    prefix = str(resource.inputs.get("prefix", ""))
    url = base64.urlsafe_b64encode(drawn).rstrip(b"=").decode()
    return url, {
        **resource.inputs,
        "hex": prefix + drawn.hex(),
        "dec": prefix + str(int.from_bytes(drawn)),
        "b64Std": prefix + base64.b64encode(drawn).decode(),
        "b64Url": prefix + url,
    }


def _pet(resource: Resource) -> tuple[str, dict[str, Any]]:
    name = f"calm-{text(resource.urn, 6, string.ascii_lowercase)}"
    return name, {**resource.inputs}


def _uuid(resource: Resource) -> tuple[str, dict[str, Any]]:
    drawn = uuid_of(resource.urn)
    return drawn, {**resource.inputs, "result": drawn}


def _integer(resource: Resource) -> tuple[str, dict[str, Any]]:
    low, high = int(resource.inputs["min"]), int(resource.inputs["max"])
    drawn = low + int(hexadecimal(resource.urn, 12), 16) % (high - low + 1)
    return str(drawn), {**resource.inputs, "result": drawn}
