"""`hub init`: a university's own folder, with nothing of the product in it but the places for what is its own."""

from __future__ import annotations

import zoneinfo
from pathlib import Path

from core.errors import Denied
from core.layers import profiles
from core.messages import translate
from core.settings import SITE_FILE, Site

FOLDERS = (
    "schemas/sources",
    "schemas/feeds",
    "schemas/codes/maps",
    "schemas/overlay",
    "sql/conform",
    "sql/feeds",
    "sql/checks",
    "tests/golden",
)
"""Where a site keeps what is its own; each begins empty."""


def create_site(folder: Path, site: Site) -> list[Path]:
    """Make a site in `folder`, which does not exist or is empty, and return its files.

    Raises:
        Denied: HUB896 when something is in the folder, HUB897 for a profile, a time zone or a country that does not exist;
            nothing is written then.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Denied("HUB896", str(folder))
    _check(site)
    files = {SITE_FILE: _settings_text(site)}
    files |= {f"{name}/.gitkeep": "" for name in FOLDERS}
    for name, key in (
        ("README.md", "readme"),
        (".gitignore", "gitignore"),
        ("ci.example.yml", "ci"),
        ("schemas/flows/site.yaml", "flows"),
        ("schemas/calendar/README.md", "calendar"),
    ):
        files[name] = translate(f"site.{key}", site.language, name=site.name or translate("site.unnamed", site.language)) + "\n"
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return [folder / name for name in files]


def _check(site: Site) -> None:
    import holidays

    choices = {
        "profile": (site.profile, ["", *profiles()]),
        "time_zone": (site.time_zone, zoneinfo.available_timezones()),
        "holidays": (site.holidays, holidays.list_supported_countries()),
    }
    for name, (value, known) in choices.items():
        if value not in known:
            shown = ", ".join(sorted(known)) if name == "profile" else translate(f"site.{name}_example")
            raise Denied("HUB897", name, value=value, known=shown.lstrip(", ") or "-")


def _settings_text(site: Site) -> str:
    lines = [translate("site.settings", site.language)]
    for name in site.__struct_fields__:
        lines.append(f"# {translate(f'site.about_{name}', site.language)}")
        lines.append(f'{name} = "{_escaped(str(getattr(site, name)))}"')
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    """A value between the quotes of a TOML basic string."""
    return "".join(f"\\u{ord(sign):04X}" if sign in '"\\' or ord(sign) < 32 or ord(sign) == 127 else sign for sign in value)
