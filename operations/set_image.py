"""`python -m operations.set_image STACK IMAGE`: put a newly built image into a stack file.

Everything that runs from the image's repository gets it, the API, services and fleets, and nothing
else in the file changes by a byte. IMAGE is `api@sha256:...`, as the registry answers a push: a
digest names one image for ever, the same in every stack. Deploying the file is another's work.

Exits with 0 when the stack file has the image, 1 when it has no place for it or cannot be used, 2
when the command itself was wrong.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from operations.command import run
from operations.stack_file import NAMESPACE, StackFileError, ask_for_stack, read

OK, REFUSED = 0, 1

IMAGE = re.compile(r"(?P<repository>[a-z0-9][a-z0-9._/-]*)@sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a stack file names an image."""

    path: str
    """`workers.render.image`."""
    image: str
    start: int
    end: int
    """Characters of the file that hold it, quotes included."""

    @property
    def repository(self) -> str:
        repository, at, _ = self.image.partition("@")
        return repository if at else repository.rpartition(":")[0]


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parse(arguments)
    try:
        file = read(asked.stack, asked.config_file).path
        text = file.read_text(encoding="utf-8")
        changed = list(wanting(text, asked.image, file))
        file.write_text(with_image(text, changed, asked.image), encoding="utf-8")
    except (StackFileError, OSError) as problem:
        print(problem, file=sys.stderr)
        return REFUSED
    for place in changed:
        print(f"{file}: {place.path}: {place.image} is now {asked.image}")
    if not changed:
        print(f"{file}: has {asked.image} already")
    return OK


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m operations.set_image",
        description="Put a newly built image into a stack file, wherever it names the image's "
        "repository. Nothing else in the file changes.",
    )
    ask_for_stack(parser, "the stack to change")
    parser.add_argument(
        "image", metavar="IMAGE", type=_by_digest, help="repository and digest: api@sha256:..."
    )
    return parser.parse_args(arguments)


def _by_digest(text: str) -> str:
    if not IMAGE.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} names no image by its digest: give its repository in the stack's registry, "
            "@sha256: and 64 hex digits"
        )
    return text


def wanting(text: str, image: str, file: Path) -> Iterator[Place]:
    """The places of the image's repository that have another. Raises StackFileError without any."""
    places = list(_places(text))
    repository = image.partition("@")[0]
    mine = [place for place in places if place.repository == repository]
    if not mine:
        known = ", ".join(sorted({place.repository for place in places})) or "none"
        raise StackFileError(f"{file}: nothing runs from the repository {repository}; of: {known}")
    yield from (place for place in mine if place.image != image)


def with_image(text: str, places: Sequence[Place], image: str) -> str:
    """The file's text with `image` in each of `places`."""
    for place in sorted(places, key=lambda place: place.start, reverse=True):
        text = text[: place.start] + image + text[place.end :]
    return text


def _places(text: str) -> Iterator[Place]:
    """The API's image, each service's and each fleet's, as they stand in the file."""
    config = _below(yaml.compose(text), "config")
    yield from _image_of(_below(config, f"{NAMESPACE}:api"), "api")
    for section in ("services", "workers"):
        members = _below(config, f"{NAMESPACE}:{section}")
        if isinstance(members, yaml.MappingNode):
            for name, member in members.value:
                yield from _image_of(member, f"{section}.{name.value}")


def _image_of(node: yaml.Node | None, path: str) -> Iterator[Place]:
    image = _below(node, "image")
    if isinstance(image, yaml.ScalarNode):
        yield Place(
            path=f"{path}.image",
            image=image.value,
            start=image.start_mark.index,
            end=image.end_mark.index,
        )


def _below(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


if __name__ == "__main__":
    run(main)
