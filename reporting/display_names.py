"""What people call systems, entities, datasets and feeds, in their language. Contracts have Chinese titles; in English the
code itself is the name, in words."""

from __future__ import annotations

import re
from typing import Any

from contracts.catalog import Catalog, catalog
from core.errors import HubError
from core.messages import known as is_known
from core.messages import text, together
from core.settings import settings


def system(known: Catalog, code: str, language: str | None = None) -> str:
    """`人事系统`, `HR system`; without what the English name says in brackets. An unknown code stays as it is."""
    name = str(known.systems.get(code, {}).get(f"name_{language or settings().lang}", code))
    return name.partition(" (")[0]


def systems(known: Catalog, codes: str, language: str | None = None) -> str:
    """The names of several systems, written as codes after one another with commas."""
    return ", ".join(system(known, code.strip(), language) for code in codes.split(","))


def flow(known: Catalog, code: str, language: str | None = None) -> str:
    """A flow's title."""
    return str(known.flows.get(code, {}).get(f"title_{language or settings().lang}", code))


def entity(known: Catalog, name: str, language: str | None = None) -> str:
    """An entity's title; `name` may also be the id of a source dataset."""
    found = known.entities.get(name) or known.sources.get(name)
    return titled(found.title if found else name, name, language)


def feed(known: Catalog, id: str, language: str | None = None) -> str:
    """`E18 学生基本信息`, `E18 student basic`."""
    found = known.feeds.get(id)
    return f"{found.edge} {titled(found.title, found.dataset, language)}" if found else id


def subject(known: Catalog, name: str, language: str | None = None) -> str:
    """What a step or a brake is about: an entity, a dataset, a feed or a system. Where an entity is called like a system it is
    the entity."""
    if name in known.feeds:
        return feed(known, name, language)
    is_system = name in known.systems and name not in known.entities
    return system(known, name, language) if is_system else entity(known, name, language)


_CODED = ("system", "systems", "parents")
"""Facts of errors that are codes, one or several with commas."""


def line(known: Catalog, error: HubError, language: str | None = None) -> str:
    """An error in one line; the codes in its place and in what is wrong with their names. What to do next keeps the codes that
    a person types."""
    then = HubError(error.code, error.where, **_owned(known, error, language)).then(language)
    return together(f"{error.code} {_places(known, error.where, language)}:", what(known, error, language), then)


def what(known: Catalog, error: HubError, language: str | None = None) -> str:
    """What is wrong, the codes in it with their names."""
    facts = {
        name: _places(known, fact, language) if name in _CODED and isinstance(fact, str) else fact
        for name, fact in _owned(known, error, language).items()
    }
    return HubError(error.code, error.where, **facts).what(language)


def _owned(known: Catalog, error: HubError, language: str | None) -> dict[str, Any]:
    """The facts of an error, the unit that it names in the language."""
    owner = str(error.facts.get("owner", ""))
    code = _system(known, owner)
    if code:  # before there is a contract, an error names the connection
        owner = known.owner(code, language or settings().lang)
    elif (language or settings().lang) != "zh":
        owner = _owner(known, owner)
    return {**error.facts, "owner": owner} if owner else error.facts


def _owner(known: Catalog, title: str) -> str:
    """The English name of a unit that contracts call by its Chinese one."""
    found = (facts for facts in known.systems.values() if facts.get("owner_zh") == title)
    return str(next((facts["owner_en"] for facts in found if facts.get("owner_en")), title))


def spoken(error: HubError) -> str:
    """`line` by the catalogue of this process; without names when the contracts themselves cannot be read."""
    try:
        return line(catalog(), error)
    except HubError:
        return error.line()


def _places(known: Catalog, codes: str, language: str | None) -> str:
    return ", ".join(placed(known, part, language) for part in codes.split(", "))


def placed(known: Catalog, part: str, language: str | None = None) -> str:
    """The code of a system, a connection, an entity, a dataset or a feed with its name in brackets; what is none of these, or
    is its own name, stays as it is."""
    code, more, rest = part.partition(" (+")
    name = _name(known, code, language)
    return text("cli.place", language, code=code, name=name) + more + rest if name else part


def _name(known: Catalog, code: str, language: str | None) -> str:
    if code in known.sources:
        return f"{system(known, code.partition('.')[0], language)} {entity(known, code, language)}"
    if code in known.feeds:
        return titled(known.feeds[code].title, known.feeds[code].dataset, language)
    if code in known.entities:
        name = entity(known, code, language)
        return "" if name == code else name
    owner = code if code in known.systems else _system(known, code)
    return system(known, owner, language) if owner else ""


def _system(known: Catalog, connection: str) -> str:
    """The code of the system of a connection such as `src_finance_upload`, empty for what is no connection of a system."""
    end, _, at = connection.partition("_")
    fitting = (one for one in known.systems if end in ("src", "dst") and f"{at}_".startswith(f"{one}_"))
    return max(fitting, key=len, default="")


def evidence(proof: str, language: str | None = None) -> str:
    """What proves a deadline, `listed=5 done=5` of its SQL, in words."""

    def word(found: re.Match[str]) -> str:
        key = f"evidence.{found[1]}"
        return f"{text(key, language)} {found[2]}" if is_known(key, language) else found[0]

    return re.sub(r"([a-z_]+)=(\S*)", word, proof)


def titled(title: str, code: str, language: str | None = None) -> str:
    """The Chinese title, or in English the code in words."""
    return title if (language or settings().lang) == "zh" else code.rpartition(".")[2].replace("_", " ")
