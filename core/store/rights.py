"""Rights: which role may do what. The one table of it, asked in one place (`demand_right`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from core.errors import Denied
from core.messages import translate

ROLES = ("technician", "department", "auditor", "administrator", "person")
NOBODY = "nobody"
"""Stands for a command that nobody has signed in for: the timetable of a machine, and what shows no personal value."""

RIGHTS: Mapping[str, frozenset[str]] = {
    act: frozenset(roles.split())
    for act, roles in {
        "run": "nobody technician",
        "see_digest": "nobody technician department auditor",
        "see_held": "technician auditor department",
        "see_rows": "technician auditor department",
        "see_uploads": "technician auditor department",
        "see_persons": "technician auditor",
        "see_grants": "technician auditor person",
        "sign": "technician",
        "adopt": "technician",
        "release": "technician",
        "rollback": "technician",
        "restore": "technician",
        "number": "technician",
        "decide": "technician",
        "take": "technician department",
        "acknowledge": "technician department",
        "upload": "technician department",
        "waive": "technician department",
        "confirm": "technician department",
        "confirm_grants": "person",
        "accounts": "administrator",
        "see_accounts": "administrator auditor",
    }.items()
}
"""What is done (its words are `rights.<act>` of the catalogue) -> the roles that may."""


class Holder(Protocol):
    """Who acts: an account, as far as rights go."""

    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def systems(self) -> tuple[str, ...]: ...
    @property
    def person_no(self) -> str | None: ...


def demand_right(who: Holder | None, act: str, systems: Collection[str] | None = None, person: str | None = None) -> None:
    """Insist that somebody may do what is done: the role, for a department that it is about one of its `systems`, for a person
    that it is about that `person`. `systems` None is about no system in particular.

    Raises:
        Denied: HUB780 when nobody has signed in, HUB781 for a role that may not, HUB790 for another department's, HUB791 for
            another person's.
    """
    allowed, told = RIGHTS[act], translate(f"rights.{act}")
    if who is None:
        if NOBODY in allowed:
            return
        raise Denied("HUB780", told, roles=name_roles(allowed))
    if who.role not in allowed:
        raise Denied("HUB781", told, name=who.name, role=name_roles([who.role]), roles=name_roles(allowed))
    if who.role == "department" and systems is not None and not set(systems) & set(who.systems):
        raise Denied("HUB790", told, name=who.name, own=", ".join(who.systems), systems=", ".join(sorted(systems)) or "-")
    if who.role == "person" and person != who.person_no:
        raise Denied("HUB791", told, name=who.name, own=who.person_no)


def name_roles(roles: Collection[str]) -> str:
    """Roles in words, in the order in which they are always told."""
    return translate("rights.mark").join(translate(f"rights.role_{role}") for role in ROLES if role in roles)
