"""The flow document edge by edge: every edge has its feeds, and every feed says what its edge says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.catalog import Catalog
from pipeline.delivery.feed_snapshot import _find_join_column

Edge = Mapping[str, Any]
PERMISSIONS = {"YWLC08": "R13", "YWLC09": "R14"}
"""Flow -> the rule that says where its permissions apply by themselves; they share their edges with other data."""


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
    wanted = {(id, edge["source"], edge["target"], dataset) for id, edge in edges.items() for dataset in edge["datasets"]}
    assert {(feed.edge, feed.source, feed.target, feed.dataset) for feed in shipped.feeds.values()} == wanted
    assert len(edges) == 67


def test_a_feed_is_checked_and_delivered_as_its_edge_says(shipped: Catalog, edges: Mapping[str, Edge]) -> None:
    for feed in shipped.feeds.values():
        edge = edges[feed.edge]
        assert feed.technician_check == (edge["technician_check"] == "required"), feed.id
        assert edge["deliver_mode"] == "automatic", feed.id
        # Permissions (YWLC08, YWLC09) are no system's flow.
        assert shipped.flows[feed.flow]["system"] in (feed.source, feed.target, None), feed.id
        assert feed.connection == f"dst_{feed.target}", feed.id


def test_what_the_receiver_applies_by_hand_is_said_in_the_contract(home: Path, edges: Mapping[str, Edge]) -> None:
    stated = yaml.safe_load((home / "schemas/flows/rules.yaml").read_text("utf-8"))["rules"]
    automatic = {rule["id"]: rule["automatic"] for rule in stated if rule["id"] in PERMISSIONS.values()}
    for path in (home / "schemas/feeds").rglob("e*.odcs.yaml"):
        document = yaml.safe_load(path.read_text("utf-8"))
        facts = {item["property"]: item["value"] for item in document["customProperties"]}
        rule = PERMISSIONS.get(facts["flow"])
        wanted = edges[facts["edge"]]["apply_mode"] if rule is None else "automatic"
        assert rule is None or facts["target"] in automatic[rule], path.name
        for table in document["schema"]:
            [apply] = [item["value"] for item in table["customProperties"] if item["property"] == "applyMode"]
            assert apply == wanted, (path.name, table["name"])


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


SHOWN = frozenset(
    {"student_no", "name", "unit_code", "class_no", "category_code", "state_code", "expected_graduation", "in_school"}
)
STUDENTS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("portal", "info_site", "info_publish", "mobile_campus"), SHOWN),
    "volunteer": frozenset({"student_no", "name", "sex_code", "unit_code", "class_no", "state_code"}),
    "campus_card": frozenset(
        {"student_no", "name", "sex_code", "unit_code", "category_code", "state_code", "photo_ref", "in_school"}
    ),
    "library": frozenset({"student_no", "name", "unit_code", "level_code", "state_code", "expected_graduation"}),
    "finance": frozenset(
        {"student_no", "name", "id_number", "unit_code", "major_code", "class_no", "level_code", "entry_month", "state_code"}
    ),
    **dict.fromkeys(
        ("welcome", "registration", "leaving"),
        frozenset({"student_no", "name", "sex_code", "unit_code", "major_code", "class_no", "level_code", "state_code"}),
    ),
    "employment": frozenset(
        {"student_no", "name", "sex_code", "birth_date", "ethnicity_code", "political_code", "origin_place_code"}
    ),
}
POSTS = frozenset({"office_name", "tech_post_name"})
STAFF: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("portal", "info_site", "info_publish", "mobile_campus"),
        frozenset({"staff_no", "name", "unit_code", "state_code", "is_in_post"}) | POSTS,
    ),
    "campus_card": frozenset(
        {"staff_no", "name", "sex_code", "unit_code", "category_code", "state_code", "photo_ref", "is_in_post"}
    ),
    "library": frozenset({"staff_no", "name", "unit_code", "state_code"}),
    "finance": frozenset({"staff_no", "name", "id_number", "unit_code", "office_level_code", "tech_post_code", "state_code"}),
    **dict.fromkeys(
        ("student_affairs", "welcome", "registration", "leaving"),
        frozenset({"staff_no", "name", "unit_code", "post_name", "post_kind"}),
    ),
    **dict.fromkeys(("volunteer", "employment"), frozenset({"staff_no", "name", "unit_code"})),
    "research": frozenset({"staff_no", "name", "unit_code", "tech_post_code", "highest_education_code"}),
    **dict.fromkeys(("academic", "graduate"), frozenset({"staff_no", "name", "unit_code", "state_code"}) | POSTS),
}
"""The minimum fields of canonical 9.1, by subscriber."""


@pytest.mark.parametrize(
    "sources, minimum", [(("academic", "graduate"), STUDENTS), (("hr",), STAFF)], ids=["students", "staff"]
)
def test_a_subscriber_gets_its_minimum_fields_on_every_edge(
    shipped: Catalog, sources: tuple[str, ...], minimum: Mapping[str, frozenset[str]]
) -> None:
    columns: dict[tuple[str, str], set[str]] = {}
    for feed in shipped.feeds.values():
        if feed.source in sources:
            columns.setdefault((feed.edge, feed.target), set()).update(column.name for column in feed.columns)
    assert {target for _, target in columns} >= set(minimum) - {"employment"}
    for (edge, target), found in columns.items():
        assert minimum.get(target, frozenset()) <= found, edge


def test_a_photo_touches_its_person_and_a_unit_may_touch_anybody(shipped: Catalog) -> None:
    for id, key in (("E15.staff_basic", "staff_no"), ("E28.student_basic", "student_no"), ("E22.new_student", "student_no")):
        assert _find_join_column(shipped, shipped.feed(id), "person_photo") == key
        assert _find_join_column(shipped, shipped.feed(id), "org_unit") is None
