"""OpenStreetMap's turn restrictions: asked of Overpass, kept with the graph, in GraphML too."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

import networkx as nx

from sweepplan.errors import StreetsError
from sweepplan.streets.turns import Restriction

KEY = "turn_restrictions"
"""Attribute of the graph: JSON, a list of [from way, via node, to way, "no" or "only"]."""

_LOG = logging.getLogger(__name__)


def overpass_query(west: float, south: float, east: float, north: float, *, timeout_s: int = 180) -> str:
    """Return what to ask Overpass: every turn restriction within the box, degrees."""
    box = f"{south:.6f},{west:.6f},{north:.6f},{east:.6f}"
    return f'[out:json][timeout:{timeout_s}];relation["type"="restriction"]({box});out body;'


def parse(elements: Iterable[dict[str, Any]]) -> list[Restriction]:
    """Return the restrictions that bind a van at a single node.

    Those that except motor cars, that hold at some hours only, and that run over another way in between are left out.
    """
    found: list[Restriction] = []
    left_out = 0
    for element in elements:
        tags = element.get("tags", {})
        kind = tags.get("restriction:motorcar") or tags.get("restriction", "")
        if element.get("type") != "relation" or not kind:
            left_out += element.get("type") == "relation"
            continue
        by_role: dict[str, list[tuple[str, int]]] = {}
        for member in element.get("members", ()):
            by_role.setdefault(member.get("role", ""), []).append((member.get("type", ""), int(member["ref"])))
        via = [ref for what, ref in by_role.get("via", []) if what == "node"]
        excepted = {"motorcar", "motor_vehicle"} & set(str(tags.get("except", "")).split(";"))
        if len(via) != 1 or excepted or kind.split("_")[0] not in ("no", "only"):
            left_out += 1
            continue
        ways = [[ref for what, ref in by_role.get(role, []) if what == "way"] for role in ("from", "to")]
        found += [Restriction(a, via[0], b, kind.startswith("only_")) for a in ways[0] for b in ways[1]]
    if left_out:
        _LOG.info("%d turn restrictions left out: of some hours or vehicles, or over several ways", left_out)
    return found


def keep(graph: nx.MultiDiGraph[int], restrictions: Iterable[Restriction]) -> None:
    """Write the restrictions into the graph."""
    rows = [[each.origin, each.via, each.target, "only" if each.only else "no"] for each in restrictions]
    graph.graph[KEY] = json.dumps(rows)


def restrictions_of(graph: nx.MultiDiGraph[int]) -> list[Restriction]:
    """Return the restrictions written into the graph, none where there are none.

    Raises
    ------
    StreetsError
        What is written there is no list of restrictions.
    """
    text = graph.graph.get(KEY, "[]")
    try:
        return [
            Restriction(int(origin), int(via), int(target), {"no": False, "only": True}[kind])
            for origin, via, target, kind in json.loads(text)
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise StreetsError(
            f"the street network's {KEY} {str(text)[:60]!r} cannot be read: give [[from way, via node, to way, "
            '"no" or "only"], ...], or leave it out'
        ) from error
