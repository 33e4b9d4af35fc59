"""Every kind of finding: one slip in a sound home folder gives exactly one line, at the right place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.messages import load_messages
from lint.lint import lint_home

STAFF = "schemas/hub/staff.odcs.yaml"


def test_a_sound_home_has_no_findings(home: Path) -> None:
    assert [str(finding) for finding in lint_home(home)] == []


SLIPS = yaml.safe_load((Path(__file__).parent / "slips.yaml").read_text("utf-8"))


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip["new"][:30])
def test_a_slip_gives_its_finding_and_no_other(home: Path, slip: dict[str, Any]) -> None:
    path = home / slip["file"]
    content = path.read_text("utf-8")
    assert slip["old"] in content
    path.write_text(content.replace(slip["old"], slip["new"], 1), "utf-8")
    places = [(Path(finding.file).name.split(".")[0], finding) for finding in lint_home(home)]
    assert [f"{stem}:{found.line}: {found.code} {found.describe_problem('en')}" for stem, found in places] == slip["found"]


def test_every_finding_has_its_slip() -> None:
    own = {key.split(".")[0] for key in load_messages("en") if re.match(r"HUB1[1-5]\d", key)}
    assert own <= {line.split()[1] for slip in SLIPS for line in slip["found"]}


def test_a_finding_is_one_line_with_its_place_and_what_would_be_right(home: Path) -> None:
    path = home / STAFF
    path.write_text(path.read_text("utf-8").replace("property: stdCode", "property: stdcode"), "utf-8")
    (finding,) = lint_home(home)
    place = "schemas/hub/staff.odcs.yaml:30: HUB115 "
    assert finding.render("en") == (f"{place}customProperties has no word stdcode. Known here: stdCode, authority, codeList.")
    assert finding.render("zh") == f"{place}customProperties 中没有 stdcode 这个词。此处可用：stdCode, authority, codeList。"


def test_every_file_may_be_garbage(home: Path) -> None:
    for path in [path for path in home.rglob("*") if path.is_file() and path.suffix in {".yaml", ".sql", ".csv"}]:
        path.write_bytes(b"\xff\xfe\x00 not text")
    assert {finding.code for finding in lint_home(home)} <= {"HUB101", "HUB127", "HUB130"}


def test_a_contract_that_is_broken_does_not_accuse_the_files_that_use_it(home: Path) -> None:
    (home / STAFF).write_text("[", "utf-8")
    assert [finding.code for finding in lint_home(home)] == ["HUB101"]


def test_an_empty_home_has_no_findings(tmp_path: Path) -> None:
    assert lint_home(tmp_path) == []


def test_both_languages_have_every_message_with_the_same_facts() -> None:
    assert set(load_messages("zh")) == set(load_messages("en"))
    for key in load_messages("zh"):
        if re.match(r"HUB1[1-5]\d|lint\.", key):
            facts = [set(re.findall(r"{(\w+)", load_messages(language)[key])) for language in ("zh", "en")]
            assert facts[0] == facts[1], key
