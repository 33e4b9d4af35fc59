"""A university's own folder: what `hub init` makes, where it is found, what its layers hold, and what overlays change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from contracts.catalog import read_catalog
from core.errors import ContractError, Denied
from core.layers import layers_of
from core.settings import ROOT, Site, get_settings, read_site
from core.store import ledger as ledger_module
from core.store import postgres
from core.store.ledger import open_ledger
from lint.lint import lint_home
from onboarding.site import FOLDERS, create_site

CACHES = (get_settings, read_catalog, ledger_module.migrate_ledger, ledger_module._get_ledger, postgres.ensure_database)
REGISTERED = """
systems:
  - {code: personnel, name_zh: 人事系统, name_en: Personnel, kind: department, owner_zh: 人事部, owner_en: Personnel Office}
flows: []
additional_edges: []
"""
OVERLAY = """entity: staff
authority: [personnel]
brake: {maxDeletePercent: 7}
heldPercent: 40
columns: {mobile: {required: true, authority: [personnel]}}
severity: {staff__id_sex_mismatch: error}
extra:
  - {name: x_badge_no, businessName: 工牌号, logicalType: string, logicalTypeOptions: {maxLength: 20}, classification: P1}
"""


@pytest.fixture
def forgetful() -> Iterator[None]:
    """Nothing that a test read of its own home is known to the next."""
    for cached in CACHES:
        cached.cache_clear()
    yield
    for cached in CACHES:
        cached.cache_clear()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "大学 1%"
    create_site(folder, Site(name='某"大学"\\'))
    return folder


def test_a_new_site_is_a_few_files_and_without_findings(site: Path) -> None:
    files = [path for path in site.rglob("*") if path.is_file()]
    assert len(files) < 20
    assert all((site / folder).is_dir() for folder in FOLDERS)
    assert (found := read_site(site)) is not None and found.name == '某"大学"\\'
    assert lint_home(site) == []


def test_a_site_that_follows_a_profile_has_its_flows_and_no_findings(tmp_path: Path) -> None:
    create_site(tmp_path / "site", Site(profile="zzuli"))
    assert lint_home(tmp_path / "site") == []
    known = read_catalog(tmp_path / "site")
    assert len(known.deadlines) == 27 and known.obligation_file("DL18") is not None
    assert not known.sources and not known.feeds


def test_a_site_without_a_profile_has_no_word_of_other_peoples_flows(site: Path) -> None:
    known = read_catalog(site)
    assert not known.flows and not known.edges and not known.deadlines and not known.systems
    assert not known.sources and not known.feeds and not known.outside
    assert {"student", "staff", "org_unit"} <= known.entities.keys()
    assert known.code_maps == []
    assert known.is_derived("person") and known.systems_of("staff") == []


@pytest.mark.usefixtures("forgetful")
def test_the_first_night_of_an_empty_site_says_that_there_is_nothing_and_ends_well(
    site: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "schemas" / "sources" / "deep").mkdir()
    monkeypatch.chdir(site / "schemas" / "sources" / "deep")
    monkeypatch.delenv("HUB_HOME", raising=False)
    monkeypatch.delenv("HUB_VAR", raising=False)
    monkeypatch.setenv("HUB_URL", postgres.ensure_database(postgres_server, "empty_site"))
    get_settings.cache_clear()
    assert get_settings().home == site and get_settings().var == site / "var"
    run = CliRunner()
    night = run.invoke(app, ["night", "--as-of", "2026-09-07"])
    assert night.exit_code == 0 and "hub draft" in night.output
    facts = json.loads(run.invoke(app, ["night", "--as-of", "2026-09-08", "--json"]).stdout)
    assert facts["problems"] == [] and facts["flows"] == []
    for command in (["status"], ["flows"], ["obligations"], ["digest"], ["versions"], ["lint"]):
        found = run.invoke(app, command)
        assert found.exit_code == 0, (command, found.output)
        assert "SJGXLC" not in found.output and "HUB" not in found.output, command
    open_ledger().close()


def test_an_overlay_changes_the_entity_and_nothing_else(site: Path) -> None:
    (site / "schemas" / "flows" / "site.yaml").write_text(REGISTERED, "utf-8")
    (site / "schemas" / "overlay" / "staff.yaml").write_text(OVERLAY, "utf-8")
    assert lint_home(site) == []
    product, own = read_catalog(ROOT).entities["staff"], read_catalog(site).entities["staff"]
    assert own.authority == ("personnel",) and own.held_percent == 40
    assert own.brake.max_delete_percent == 7 and own.brake.max_update_percent == product.brake.max_update_percent
    columns = {column.name: column for column in own.columns}
    assert columns["mobile"].required and columns["mobile"].authority == ("personnel",)
    assert [column.name for column in own.columns] == [*(column.name for column in product.columns), "x_badge_no"]
    severities = {rule.id: rule.severity for rule in own.rules}
    before = {rule.id: rule.severity for rule in product.rules}
    changed = {name for name, severity in severities.items() if before.get(name, severity) != severity}
    assert changed == {"staff.id_sex_mismatch"}
    assert read_catalog(site).entities["student"] == read_catalog(ROOT).entities["student"]


@pytest.mark.parametrize(
    ("old", "new", "line", "named"),
    [
        ("entity: staff", "entity: stuff", 1, "stuff"),
        ("heldPercent: 40", "held_percent: 40", 4, "held_percent"),
        ("mobile:", "telephone:", 5, "telephone"),
        ("required: true", "wanted: true", 5, "wanted"),
        ("staff__id_sex_mismatch", "staff__id_sex", 6, "staff__id_sex"),
        ("mismatch: error", "mismatch: fatal", 6, "fatal"),
        ("x_badge_no", "badge_no", 8, "badge_no"),
    ],
)
def test_what_does_not_fit_in_an_overlay_is_found_at_its_own_line(
    site: Path, old: str, new: str, line: int, named: str
) -> None:
    (site / "schemas" / "flows" / "site.yaml").write_text(REGISTERED, "utf-8")
    (site / "schemas" / "overlay" / "staff.yaml").write_text(OVERLAY.replace(old, new), "utf-8")
    found = [finding for finding in lint_home(site) if finding.code == "HUB899"]
    assert [(finding.file, finding.line, finding.facts["name"]) for finding in found] == [
        ("schemas/overlay/staff.yaml", line, named)
    ]


def test_a_file_takes_the_place_of_the_products_only_when_it_says_so(site: Path) -> None:
    (site / "schemas" / "hub").mkdir()
    text = (
        (ROOT / "schemas" / "hub" / "campus.odcs.yaml")
        .read_text("utf-8")
        .replace("authority, value: [", "authority, value: [mine, ")
    )
    (site / "schemas" / "hub" / "campus.odcs.yaml").write_text(text, "utf-8")
    (site / "schemas" / "flows" / "site.yaml").write_text("systems: [{code: mine}]\n", "utf-8")
    found = [finding for finding in lint_home(site) if finding.code == "HUB898"]
    assert [(finding.file, finding.line) for finding in found] == [("schemas/hub/campus.odcs.yaml", 1)]
    (site / "schemas" / "hub" / "campus.odcs.yaml").write_text("# overrides: product\n" + text, "utf-8")
    assert "HUB898" not in {finding.code for finding in lint_home(site)}
    assert "mine" in read_catalog(site).entities["campus"].authority


def test_a_finding_names_the_layer_of_its_file(site: Path) -> None:
    (site / "schemas" / "hub").mkdir()
    text = (ROOT / "schemas" / "hub" / "org_unit.odcs.yaml").read_text("utf-8")
    (site / "schemas" / "hub" / "org_unit.odcs.yaml").write_text(
        "# overrides: product\n" + text.replace("- name: unit_code", "- name: unit_no", 1), "utf-8"
    )
    assert {finding.file.partition(":")[0] for finding in lint_home(site)} >= {"product", "schemas/hub/org_unit.odcs.yaml"}


def test_a_folder_with_something_in_it_is_left_alone(site: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    with pytest.raises(Denied, match="HUB896"):
        create_site(site, Site())
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(Denied, match="HUB896"):
        create_site(tmp_path / "file", Site())
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("wrong", [{"profile": "nobody"}, {"time_zone": "Asia/Nowhere"}, {"holidays": "QQ"}])
def test_a_choice_that_does_not_exist_writes_nothing(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(Denied, match="HUB897"):
        create_site(tmp_path / "new", Site(**wrong))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("content", ["name = ", 'nam = "x"', 'language = "fr"', "\xff"])
def test_a_damaged_site_file_is_one_line(site: Path, content: str, forgetful: None, monkeypatch: pytest.MonkeyPatch) -> None:
    (site / "hub.toml").write_bytes(content.encode("latin-1"))
    with pytest.raises(ContractError, match="HUB894"):
        layers_of(site)
    monkeypatch.setenv("HUB_HOME", str(site))
    get_settings.cache_clear()
    with pytest.raises(SystemExit, match="HUB800"):
        get_settings()


def test_a_profile_that_is_not_installed_names_those_that_are(site: Path) -> None:
    (site / "hub.toml").write_text('profile = "nobody"\n', "utf-8")
    with pytest.raises(ContractError) as refused:
        layers_of(site)
    assert refused.value.code == "HUB895" and refused.value.facts["known"] == "zzuli"
