"""Whether two names that people gave of themselves are one person: spellings of one name make no second person."""

from __future__ import annotations

import unicodedata

from core.errors import Denied


def normalize_name(name: str) -> str:
    """A name without what a keyboard adds: full or half width, case, blanks, dots, signs that cannot be seen."""
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(sign for sign in whole if sign.isalnum())


def require_two_people(asked: str, agreed: str, where: str) -> None:
    """Insist on two persons for what needs two.

    Raises:
        Denied: HUB704 when the names are spellings of one, or one of them names nobody.
    """
    one, other = normalize_name(asked), normalize_name(agreed)
    if not one or not other or one == other:
        raise Denied("HUB704", where, by=asked)


def require_name(name: str, where: str) -> None:
    """Insist that somebody stands behind a word.

    Raises:
        Denied: HUB753 when the name is blank.
    """
    if not normalize_name(name):
        raise Denied("HUB753", where)
