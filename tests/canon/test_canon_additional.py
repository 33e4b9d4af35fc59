"""Edges that the flow document does not have: each with a step, a reason and a number of its own, none among the 67."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.catalog import Catalog
from contracts.flow_document import load_flow_document

Edge = Mapping[str, Any]


@pytest.fixture(scope="module")
def added(home: Path) -> dict[str, Edge]:
    document = yaml.safe_load((home / "schemas/flows/additional.yaml").read_text("utf-8"))
    return {edge["id"]: edge for edge in document["additional_edges"]}


def test_an_additional_edge_has_a_reason_a_step_and_a_number_of_its_own(
    home: Path, shipped: Catalog, added: Mapping[str, Edge]
) -> None:
    book = load_flow_document(home)
    assert (len(book.edges), [edge["id"] for edge in book.additional]) == (67, list(added))
    steps = {f"{flow['code']}/{step['n']}" for flow in book.flows for step in flow["steps"]}
    assert set(added) == {"N01", "N02", "N03", "N04", "N05", "N06"}
    assert not set(added) & {edge["id"] for edge in book.edges}
    for edge in added.values():
        assert {item["step"] for item in edge["declarations"]} <= steps
        assert edge["reason_zh"] and edge["reason_en"]
        assert {edge["source"], edge["target"]} <= set(shipped.systems)


def test_an_additional_edge_has_exactly_its_feeds(shipped: Catalog, added: Mapping[str, Edge]) -> None:
    wanted = {(id, edge["source"], edge["target"], name) for id, edge in added.items() for name in edge["datasets"]}
    feeds = [feed for feed in shipped.feeds.values() if feed.edge in added]
    assert {(feed.edge, feed.source, feed.target, feed.dataset) for feed in feeds} == wanted
    for feed in feeds:
        assert feed.technician_check == (added[feed.edge]["technician_check"] == "required")
        assert feed.connection == f"dst_{feed.target}"


def test_the_learning_space_gets_no_contact_and_no_document(shipped: Catalog) -> None:
    names = {column.physical for column in shipped.feed("N01.oneroster").columns}
    assert not names & {"email", "sms", "phone", "password", "userIds", "middleName", "pronouns"}


def test_the_directory_gets_what_a_login_needs(shipped: Catalog) -> None:
    names = {column.physical for column in shipped.feed("N02.directory").columns}
    assert not names & {"userPassword", "mail", "mobile", "employeeNumber", "homePostalAddress", "jpegPhoto"}
    assert {"uid", "cn", "sn", "eduPersonAffiliation"} <= names
