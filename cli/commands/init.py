"""`hub init`: the first command of a university."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.app import AsJson, app
from cli.output import show_result
from core.messages import translate


@app.command(help=translate("site.cli.init"))
def init(
    folder: Annotated[Path, typer.Argument(help=translate("site.cli.folder"))],
    name: Annotated[str | None, typer.Option(help=translate("site.cli.name"))] = None,
    language: Annotated[str | None, typer.Option(help=translate("site.cli.language"))] = None,
    profile: Annotated[str | None, typer.Option(help=translate("site.cli.profile"))] = None,
    store: Annotated[str | None, typer.Option(help=translate("site.cli.store"))] = None,
    time_zone: Annotated[str, typer.Option("--time-zone", help=translate("site.cli.time_zone"))] = "Asia/Shanghai",
    holidays: Annotated[str, typer.Option(help=translate("site.cli.holidays"))] = "CN",
    as_json: AsJson = False,
) -> None:
    from core.errors import Denied
    from core.messages import LANGUAGES
    from core.settings import Site, get_settings
    from onboarding.site import create_site

    def ask(given: str | None, question: str, default: str) -> str:
        if given is not None or as_json or not sys.stdin.isatty():
            return default if given is None else given
        return str(typer.prompt(translate(question), default=default, show_default=bool(default)))

    chosen = ask(language, "site.ask_language", get_settings().lang)
    if chosen not in LANGUAGES:
        raise Denied("HUB897", "language", value=chosen, known=", ".join(LANGUAGES))
    site = Site(
        name=ask(name, "site.ask_name", ""),
        language="en" if chosen == "en" else "zh",
        profile=ask(profile, "site.ask_profile", ""),
        store=ask(store, "site.ask_store", ""),
        time_zone=time_zone,
        holidays=holidays,
    )
    files = [path.relative_to(folder).as_posix() for path in create_site(folder, site)]
    show_result(
        {"folder": str(folder), "files": files},
        as_json,
        None if as_json else translate("site.made", None, folder=folder, count=len(files)),
    )
