"""The flow document edge by edge: every edge has its feeds, and every feed says what its edge says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.catalog import Catalog

Edge = Mapping[str, Any]
UNCONNECTED = frozenset(
    {"E51", "E52", "E53", "E54", "E55", "E56", "E57", "E58", "E59", "E60", "E61", "E63", "E64", "E65", "E66"}
)
"""Edges whose publisher the hub does not read yet."""


@pytest.fixture(scope="module")
def edges(home: Path) -> dict[str, Edge]:
    document = yaml.safe_load((home / "schemas/flows/edges.yaml").read_text("utf-8"))
    return {edge["id"]: edge for edge in document["edges"]}


@pytest.fixture(scope="module")
def shipped(shipped: Catalog, home: Path) -> Catalog:
    """The catalogue without the additional edges, which the document does not have; see `test_canon_additional`."""
    document = yaml.safe_load((home / "schemas/flows/additional.yaml").read_text("utf-8"))
    added = {edge["id"] for edge in document["additional_edges"]}
    return replace(shipped, feeds={id: feed for id, feed in shipped.feeds.items() if feed.edge not in added})


@pytest.fixture(scope="module")
def outside(home: Path) -> dict[str, Edge]:
    document = yaml.safe_load((home / "schemas/flows/edges.yaml").read_text("utf-8"))
    return {edge["id"]: edge for edge in document["feeds_outside_the_hub"]}


def test_every_edge_has_exactly_its_feeds(shipped: Catalog, edges: Mapping[str, Edge]) -> None:
    wanted = {
        (id, edge["source"], edge["target"], dataset)
        for id, edge in edges.items()
        if id not in UNCONNECTED
        for dataset in edge["datasets"]
    }
    assert {(feed.edge, feed.source, feed.target, feed.dataset) for feed in shipped.feeds.values()} == wanted


def test_a_publisher_that_is_read_feeds_all_its_edges(shipped: Catalog, edges: Mapping[str, Edge]) -> None:
    assert not {edges[id]["source"] for id in UNCONNECTED} & set(shipped.source_systems())


def test_a_feed_is_checked_and_delivered_as_its_edge_says(shipped: Catalog, edges: Mapping[str, Edge]) -> None:
    for feed in shipped.feeds.values():
        edge = edges[feed.edge]
        assert feed.technician_check == (edge["technician_check"] == "required"), feed.id
        assert edge["deliver_mode"] == "automatic", feed.id
        assert shipped.flows[feed.flow]["system"] in (feed.source, feed.target), feed.id
        assert feed.connection == f"dst_{feed.target}", feed.id


def test_what_the_receiver_applies_by_hand_is_said_in_the_contract(home: Path, edges: Mapping[str, Edge]) -> None:
    for path in (home / "schemas/feeds").rglob("e*.odcs.yaml"):
        document = yaml.safe_load(path.read_text("utf-8"))
        [edge] = [item["value"] for item in document["customProperties"] if item["property"] == "edge"]
        for table in document["schema"]:
            [apply] = [item["value"] for item in table["customProperties"] if item["property"] == "applyMode"]
            assert apply == edges[edge]["apply_mode"], (path.name, table["name"])


def test_a_hand_over_outside_the_hub_is_never_a_feed(shipped: Catalog, outside: Mapping[str, Edge]) -> None:
    assert set(outside) == {"X1", "X2", "X3", "X4"}
    assert not {feed.edge for feed in shipped.feeds.values()} & set(outside)
    assert {feed.edge for feed in shipped.outside.values()} <= set(outside)


def test_the_card_manufacturer_gets_four_columns(shipped: Catalog) -> None:
    [feed] = shipped.outside.values()
    assert [column.name for column in feed.columns] == ["person_no", "name", "unit_name", "photo_hash"]


def test_what_is_handed_over_by_hand_can_be_seen_in_the_hub(home: Path, shipped: Catalog, outside: Mapping[str, Edge]) -> None:
    document = yaml.safe_load((home / "schemas/flows/edges.yaml").read_text("utf-8"))
    entities = {dataset["code"]: dataset["entities"] for dataset in document["datasets"]}
    for id in ("X1", "X2", "X3"):
        edge = outside[id]
        given = {entity for dataset in edge["datasets"] for entity in entities[dataset]}
        assert given & set(shipped.entities_of(edge["source"])), id
