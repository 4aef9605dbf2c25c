"""Copies a recorded graph with one input changed, as a mistake in a program would change it."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

from rehearsal.graph import Graph, Resource
from tests.recorder import type_token


def resource(graph: Graph, type: str, name: str) -> Resource:
    token = type_token(type)
    (found,) = [one for one in graph.resources.values() if (one.type, one.name) == (token, name)]
    return found


def changed(graph: Graph, type: str, name: str, path: str, value: Any) -> Graph:
    """`graph` with the input at a dotted path set to `value`, or taken away when it is None."""
    broken = copy.deepcopy(graph)
    node: Any = resource(broken, type, name).inputs
    *outer, last = path.split(".")
    for key in outer:
        node = node[int(key)] if key.isdigit() else node[key]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return broken


def alone(graph: Graph, type: str, name: str) -> Graph:
    """`graph` without every other resource."""
    kept = resource(graph, type, name)
    return replace(graph, resources={kept.urn: kept})


def containers(graph: Graph, name: str, **fields: Any) -> Graph:
    """`graph` with fields of the first container of a task definition changed."""
    task = resource(graph, "ecs.TaskDefinition", name)
    definitions = json.loads(task.inputs["containerDefinitions"])
    definitions[0] |= fields
    return changed(
        graph, "ecs.TaskDefinition", name, "containerDefinitions", json.dumps(definitions)
    )
