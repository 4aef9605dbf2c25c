"""What the briefs want of the whole: environments, tags, names, outputs, images."""

from __future__ import annotations

import pytest

from tests.examples.systems import EXAMPLES, System, asks, stack_files, stack_of
from tests.rows import SYSTEMS


@asks(
    "M108",
    zapcut={"dev", "staging", "production"},
    aivp={"dev", "staging", "production"},
    ai_film_studio={"dev", "sandbox", "staging", "production"},
    muejam={"dev", "staging", "production"},
    autoblog={"dev", "staging", "production"},
)
def test_every_environment_is_a_file_for_the_same_program(system: System, figure: set[str]) -> None:
    assert set(system) == figure
    assert system.each(lambda graph: graph.graph.stack) == {stack: stack for stack in figure}
    assert len({graph.outputs["vpc_id"] for graph in system.values()}) == len(figure)


@asks("M109", ai_film_studio="filmstudio", autoblog="autoblog")
def test_everything_that_takes_tags_has_the_three_default_ones(system: System, figure: str) -> None:
    for stack, graph in system.items():
        tagged = [node["tags_all"] for node in graph.nodes if node.get("tags_all")]
        assert len(tagged) > 100
        wanted = {"Project": figure, "Environment": stack, "ManagedBy": "pulumi"}
        assert [tags for tags in tagged if not wanted.items() <= tags.items()] == []


@asks(
    "M110",
    muejam={
        "vpc_id",
        "load_balancer",
        "deployment",
        "database_endpoint",
        "replica_endpoints",
        "cache_endpoint",
        "buckets",
    },
)
def test_a_stack_gives_what_the_brief_wants_of_it(system: System, figure: set[str]) -> None:
    for graph in system.values():
        assert {name for name in figure if name not in graph.outputs} == set()
        assert set(graph.outputs["load_balancer"]) == {"dns_name", "zone_id"}
        group = graph.one("autoscaling.Group", "api-group")
        assert graph.outputs["deployment"]["handle"] == group["name"]
        replicas = [name for name in graph.names("rds.Instance") if "replica" in name]
        assert len(graph.outputs["replica_endpoints"]) == len(replicas)
        assert set(graph.outputs["buckets"]) == {"media", "static", "backups", "logs"}


@asks(
    "M111",
    aivp={"api", "worker"},
    ai_film_studio={"api", "worker"},
    autoblog={"api"},
)
def test_images_lie_in_repositories_whose_tags_never_move(system: System, figure: set[str]) -> None:
    for graph in system.values():
        repositories = graph.all("ecr.Repository")
        assert {one["name"].rpartition("/")[2] for one in repositories} == figure
        assert {one["image_tag_mutability"] for one in repositories} == {"IMMUTABLE"}


@asks("M112", ai_film_studio=True, autoblog=True)
def test_images_are_scanned_when_they_are_pushed(system: System, figure: bool) -> None:
    for graph in system.values():
        for repository in graph.all("ecr.Repository"):
            assert repository["image_scanning_configuration"] == {"scan_on_push": figure}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_stack_file_names_its_schema_and_its_system(name: str) -> None:
    prefix = {"ai-film-studio": "filmstudio"}.get(name, name)
    for file in stack_files(name):
        first, *rest = file.read_text(encoding="utf-8").splitlines()
        assert first == "# yaml-language-server: $schema=../../schema/stack.schema.json"
        assert f"    name: {prefix}" in rest
        assert (f"    protect: {str(stack_of(file) == 'production').lower()}") in rest


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_has_a_readme_of_a_screen(name: str) -> None:
    readme = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 60
    assert f"CONFIG=examples/{name}/Pulumi.production.yaml" in readme
