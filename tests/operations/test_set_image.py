"""A new image in a stack file: every place that runs from it, and not a byte beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations import set_image
from tests.recorder import ROOT

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
FILE = ROOT / "tests" / "shipped" / "Pulumi.dev.yaml"

SEVERAL = """\
config: # what CI fills in
  aws:region: us-east-1
  backlot:api: {kind: fargate, image: 'api:1.0.0', image_note: api:1.0.0}
  backlot:services:
    admin: {image: "api@sha256:0000"} # the API's, with another command
    mailer:
      image:   mailer:2.1.0   # three spaces stay three
  backlot:workers:
    own: {ami: ami-0123456789abcdef0}
    render: {image: worker:1.0.0}
"""


@pytest.fixture(name="several")
def _several(tmp_path: Path) -> Path:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(SEVERAL, encoding="utf-8")
    return file


def put(image: str, file: Path) -> int:
    return set_image.main(["dev", image, "--config-file", str(file)])


def test_everything_that_runs_from_the_repository_gets_the_image(  # B52
    several: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = f"api@{DIGEST}"

    assert put(image, several) == 0
    wanted = SEVERAL.replace("'api:1.0.0'", image).replace('"api@sha256:0000"', image)
    assert several.read_text(encoding="utf-8") == wanted
    assert capsys.readouterr().out.splitlines() == [
        f"{several}: api.image: api:1.0.0 is now {image}",
        f"{several}: services.admin.image: api@sha256:0000 is now {image}",
    ]


def test_what_the_line_had_around_the_image_stays(several: Path) -> None:
    assert put(f"mailer@{DIGEST}", several) == 0

    line = f"      image:   mailer@{DIGEST}   # three spaces stay three\n"
    assert line in several.read_text(encoding="utf-8")


def test_a_fleet_gets_its_image_and_one_without_any_is_left_alone(several: Path) -> None:
    assert put(f"worker@{DIGEST}", several) == 0

    text = several.read_text(encoding="utf-8")
    assert f"render: {{image: worker@{DIGEST}}}" in text
    assert "own: {ami: ami-0123456789abcdef0}" in text


def test_in_the_shipped_file_one_line_changes(tmp_path: Path) -> None:
    file = tmp_path / FILE.name
    file.write_bytes(FILE.read_bytes())

    assert put(f"api@{DIGEST}", file) == 0
    before, after = (path.read_text().splitlines() for path in (FILE, file))
    changed = [line for line in after if line not in before]
    assert changed == [f"    image: api@{DIGEST}"]


def test_an_image_that_is_there_already_is_no_change(
    several: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(f"worker@{DIGEST}", several)
    text = several.read_text(encoding="utf-8")
    capsys.readouterr()

    assert put(f"worker@{DIGEST}", several) == 0
    assert several.read_text(encoding="utf-8") == text
    assert capsys.readouterr().out == f"{several}: has worker@{DIGEST} already\n"


def test_a_repository_that_nothing_runs_from_is_refused_with_those_there_are(
    several: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert put(f"apl@{DIGEST}", several) == 1
    assert several.read_text(encoding="utf-8") == SEVERAL
    assert capsys.readouterr().err == (
        f"{several}: nothing runs from the repository apl; of: api, mailer, worker\n"
    )


@pytest.mark.parametrize("image", ["api", "api:1.0.1", "api@sha256:0123", f"API@{DIGEST}"])
def test_what_is_no_digest_is_a_wrong_command(
    image: str, several: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        put(image, several)

    assert left.value.code == 2
    assert "names no image by its digest" in capsys.readouterr().err
    assert several.read_text(encoding="utf-8") == SEVERAL


def test_a_stack_without_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert put(f"api@{DIGEST}", tmp_path / "Pulumi.dev.yaml") == 1
    assert "No such file or directory" in capsys.readouterr().err
