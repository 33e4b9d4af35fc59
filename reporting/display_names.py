"""What people call systems, entities, datasets and feeds, in their language. Contracts have Chinese titles; in English the
code itself is the name, in words."""

from __future__ import annotations

import re
from typing import Any

from contracts.catalog import Catalog, load_catalog
from core.errors import HubError
from core.messages import has_message as is_known
from core.messages import join_sentences, translate
from core.settings import get_settings


def get_system_name(catalog: Catalog, code: str, language: str | None = None) -> str:
    """`人事系统`, `HR system`; without what the English name says in brackets. An unknown code stays as it is."""
    name = str(catalog.systems.get(code, {}).get(f"name_{language or get_settings().lang}", code))
    return name.partition(" (")[0]


def list_system_names(catalog: Catalog, codes: str, language: str | None = None) -> str:
    """The names of several systems, written as codes after one another with commas."""
    return ", ".join(get_system_name(catalog, code.strip(), language) for code in codes.split(","))


def get_flow_title(catalog: Catalog, code: str, language: str | None = None) -> str:
    """A flow's title."""
    return str(catalog.flows.get(code, {}).get(f"title_{language or get_settings().lang}", code))


def get_entity_title(catalog: Catalog, name: str, language: str | None = None) -> str:
    """An entity's title; `name` may also be the id of a source dataset."""
    found = catalog.entities.get(name) or catalog.sources.get(name)
    return choose_title(found.title if found else name, name, language)


def get_feed_title(catalog: Catalog, id: str, language: str | None = None) -> str:
    """`E18 学生基本信息`, `E18 student basic`."""
    found = catalog.feeds.get(id)
    return f"{found.edge} {choose_title(found.title, found.dataset, language)}" if found else id


def get_subject_name(catalog: Catalog, name: str, language: str | None = None) -> str:
    """What a step or a brake is about: an entity, a dataset, a feed or a system. Where an entity is called like a system it is
    the entity."""
    if name in catalog.feeds:
        return get_feed_title(catalog, name, language)
    is_system = name in catalog.systems and name not in catalog.entities
    return get_system_name(catalog, name, language) if is_system else get_entity_title(catalog, name, language)


_CODED_FACTS = ("system", "systems", "parents")
"""Facts of errors that are codes, one or several with commas."""


def format_error(catalog: Catalog, error: HubError, language: str | None = None) -> str:
    """An error in one line; the codes in its place and in what is wrong with their names. What to do next keeps the codes that
    a person types."""
    then = HubError(error.code, error.where, **_name_owner(catalog, error, language)).describe_next_step(language)
    return join_sentences(
        f"{error.code} {_format_places(catalog, error.where, language)}:", describe_error(catalog, error, language), then
    )


def describe_error(catalog: Catalog, error: HubError, language: str | None = None) -> str:
    """What is wrong, the codes in it with their names."""
    facts = {
        name: _format_places(catalog, fact, language) if name in _CODED_FACTS and isinstance(fact, str) else fact
        for name, fact in _name_owner(catalog, error, language).items()
    }
    return HubError(error.code, error.where, **facts).describe_problem(language)


def _name_owner(catalog: Catalog, error: HubError, language: str | None) -> dict[str, Any]:
    """The facts of an error, the unit that it names in the language."""
    owner = str(error.facts.get("owner", ""))
    code = _find_connection_system(catalog, owner)
    if code:  # before there is a contract, an error names the connection
        owner = catalog.owner(code, language or get_settings().lang)
    elif (language or get_settings().lang) != "zh":
        owner = _find_english_owner(catalog, owner)
    return {**error.facts, "owner": owner} if owner else error.facts


def _find_english_owner(catalog: Catalog, title: str) -> str:
    """The English name of a unit that contracts call by its Chinese one."""
    found = (facts for facts in catalog.systems.values() if facts.get("owner_zh") == title)
    return str(next((facts["owner_en"] for facts in found if facts.get("owner_en")), title))


def format_error_safely(error: HubError) -> str:
    """`line` by the catalogue of this process; without names when the contracts themselves cannot be read."""
    try:
        return format_error(load_catalog(), error)
    except HubError:
        return error.line()


def _format_places(catalog: Catalog, codes: str, language: str | None) -> str:
    return ", ".join(format_place(catalog, part, language) for part in codes.split(", "))


def format_place(catalog: Catalog, part: str, language: str | None = None) -> str:
    """The code of a system, a connection, an entity, a dataset or a feed with its name in brackets; what is none of these, or
    is its own name, stays as it is."""
    code, more, rest = part.partition(" (+")
    name = _find_name(catalog, code, language)
    return translate("cli.place", language, code=code, name=name) + more + rest if name else part


def _find_name(catalog: Catalog, code: str, language: str | None) -> str:
    if code in catalog.sources:
        return f"{get_system_name(catalog, code.partition('.')[0], language)} {get_entity_title(catalog, code, language)}"
    if code in catalog.feeds:
        return choose_title(catalog.feeds[code].title, catalog.feeds[code].dataset, language)
    if code in catalog.entities:
        name = get_entity_title(catalog, code, language)
        return "" if name == code else name
    owner = code if code in catalog.systems else _find_connection_system(catalog, code)
    return get_system_name(catalog, owner, language) if owner else ""


def _find_connection_system(catalog: Catalog, connection: str) -> str:
    """The code of the system of a connection such as `src_finance_upload`, empty for what is no connection of a system."""
    end, _, at = connection.partition("_")
    fitting = (one for one in catalog.systems if end in ("src", "dst") and f"{at}_".startswith(f"{one}_"))
    return max(fitting, key=len, default="")


def format_evidence(proof: str, language: str | None = None) -> str:
    """What proves a deadline, `listed=5 done=5` of its SQL, in words."""

    def word(found: re.Match[str]) -> str:
        key = f"evidence.{found[1]}"
        return f"{translate(key, language)} {found[2]}" if is_known(key, language) else found[0]

    return re.sub(r"([a-z_]+)=(\S*)", word, proof)


def choose_title(title: str, code: str, language: str | None = None) -> str:
    """The Chinese title, or in English the code in words."""
    return title if (language or get_settings().lang) == "zh" else code.rpartition(".")[2].replace("_", " ")
