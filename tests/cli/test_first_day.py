"""Every command on the first day, in an empty home or before the first night: it works, or says in a line what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from signing import signed_in
from typer.testing import CliRunner

from cli.main import app
from contracts.catalog import read_catalog
from core.errors import HubError
from core.settings import ROOT, Site, get_settings
from core.store import ledger as ledger_module
from core.store import postgres
from core.store.ledger import open_ledger
from onboarding.site import create_site

CACHES = (get_settings, read_catalog, ledger_module.migrate_ledger, ledger_module._get_ledger, postgres.ensure_database)
COMMANDS = {
    "account": ("", "add 主管 --role administrator", "disable 主管"),
    "ack": ("E01", "E01 --version 1"),
    "adopt": ("E01 --yes",),
    "backup": ("{folder}/copy",),
    "calendar": ("--days 3",),
    "confirm": ("DL08 --note 已验收",),
    "demo": (),  # makes its own first night
    "digest": ("", "--send"),
    "draft": ("src_nobody --out {folder}",),
    "extract": ("hr",),
    "feed": ("SJGXLC01",),
    "flows": ("", "SJGXLC01", "--audit", "--rules"),
    "grants": ("", "S0001", "S0001 --confirm", "S0001 --wrong 错 --system hr"),
    "held": ("",),
    "init": ("{folder}/site", "{folder}/site --profile nobody"),
    "latency": ("",),
    "link": ("S0001 B0001 --reason 核对",),
    "lint": ("",),
    "login": ("主管", "主管 --password-stdin"),
    "logout": ("",),
    "night": ("--as-of 2026-09-07",),
    "number": ("--unit 20010306 --name 王五 --kind 2 --reason 返聘", "--approve 0306001"),
    "obligations": ("",),
    "oneroster": ("{folder}/none.zip",),
    "persons": ("", "--conflicts", "--provisional", "--number S0001"),
    "pull": ("E01 --out {folder}",),
    "refresh": ("hr",),
    "release": ("1 --reason 有据", "1 --approve"),
    "replay": ("--edge E01 --from 2026-09-01 --to 2026-09-02",),
    "restore": ("{folder}/none", "{folder}/none --check"),
    "rollback": ("1", "1 --reason 有据", "1 --approve"),
    "selftest": ("src_hr", "dst_academic"),
    "status": ("",),
    "template": ("finance.payroll --out {folder}/t.xlsx",),
    "unchecked": ("",),
    "unlink": ("B0001 --reason 核对",),
    "upload": ("finance.payroll {folder}/none.xlsx",),
    "uploads": ("finance.payroll",),
    "verify": ("E01", "--flow SJGXLC01 --yes", "--night 2026-09-07 --yes", "--chain", ""),
    "versions": ("",),
    "whoami": ("",),
}
LINES = [f"{name} {arguments}".strip() for name, given in COMMANDS.items() for arguments in given if name != "night"]


@pytest.fixture(scope="module", params=["empty", "deadlines", "shipped", "site"])
def home(request: pytest.FixtureRequest, postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with nothing, with nothing but deadlines, the shipped one, or a site; no place is connected, no night was run."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "home").mkdir()
    if request.param == "deadlines":
        flows = folder / "home" / "schemas" / "flows"
        flows.mkdir(parents=True)
        content = (ROOT / "schemas" / "flows" / "deadlines.yaml").read_text("utf-8")
        head, tail = content.split("reminders:", 1)
        (flows / "deadlines.yaml").write_text(head + "deadlines:" + tail.split("deadlines:", 1)[1], "utf-8")
    if request.param == "site":
        create_site(folder / "site", Site(profile="zzuli"))
        (folder / "home").rmdir()
        (folder / "site").rename(folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "shipped":
            patch.setenv("HUB_HOME", str(folder / "home"))
        patch.setenv("HUB_VAR", str(folder / "var"))
        patch.setenv("HUB_URL", postgres.ensure_database(postgres_server, f"first_{request.param}"))
        for cached in CACHES:
            cached.cache_clear()
        yield folder
        open_ledger().close()
    for cached in CACHES:
        cached.cache_clear()


def said(home: Path, line: str, token: str = "") -> str:
    """What a command answers before anybody has made the store's tables, in one line where it is an error; to whom the token
    is of, or to nobody.

    Raises:
        AssertionError: it ended with something that is neither.
    """
    for schema in ("hub", "hub_at", "hub_current"):
        open_ledger().execute(f"drop schema if exists {schema} cascade")
    found = CliRunner().invoke(app, [part.format(folder=home) for part in line.split()], env={"HUB_TOKEN": token})
    if isinstance(found.exception, HubError):
        answer = found.exception.line()
        assert "\n" not in answer
        return answer
    assert found.exception is None or isinstance(found.exception, SystemExit), f"{line}: {found.exception!r}"
    return found.output


def test_every_command_is_tried() -> None:
    assert set(typer.main.get_group(app).commands) == set(COMMANDS)


@pytest.mark.parametrize("line", LINES)
def test_a_command_works_or_says_what_is_missing(home: Path, line: str) -> None:
    said(home, line)
    said(home, line, signed_in())
    said(home, f"{line} --json", signed_in())


@pytest.mark.parametrize("line", ["persons", "link S0001 B0001 --reason 核对", "unlink B0001 --reason 核对", "grants"])
def test_what_needs_a_night_says_so(home: Path, line: str) -> None:
    answer = said(home, line, signed_in())
    assert "HUB876" in answer
    assert "hub night" in answer


def test_a_night_without_anything_is_a_night(home: Path) -> None:
    said(home, "night --as-of 2026-09-07 --json")
