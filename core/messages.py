"""Text that people read, by key, from the message catalogues `core/messages/<language>/*.yaml`.

Chinese is the first language; English is the switch (`HUB_LANG=en`). A key that one language lacks is a
defect that the tests find, so a lookup never falls back silently.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

LANGUAGES = ("zh", "en")
_FULL_WIDTH_SIGNS = ("。", "；", "！", "？", "：")
"""Full-width signs, which bring their own blank."""
MESSAGES_FOLDER = Path(__file__).parent / "messages"


@functools.cache
def load_messages(language: str) -> Mapping[str, str]:
    """Every message of a language, `key -> template`; nested keys are joined with a dot.

    Raises:
        ValueError: the language has no catalogue, or two files define the same key.
    """
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}; known: {', '.join(LANGUAGES)}")
    messages: dict[str, str] = {}
    for path in sorted((MESSAGES_FOLDER / language).glob("*.yaml")):
        for key, template in _flatten_tree("", yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader) or {}):
            if key in messages:
                raise ValueError(f"{path.name}: message {key} is defined twice")
            messages[key] = template
    return messages


def translate(key: str, language: str | None = None, /, **facts: Any) -> str:
    """The message `key` with its facts filled in, in `language` or the one set for this process.

    Raises:
        KeyError: no catalogue has the key, or the template names a fact that was not given.
    """
    from core.settings import get_settings

    return load_messages(language or get_settings().lang)[key].format(**facts)


def join_sentences(*sentences: str) -> str:
    """Sentences on one line; a blank stands between two of them only where the first has no full-width sign at its end."""
    line = ""
    for sentence in sentences:
        words = " ".join(sentence.split())
        line += f" {words}" if line and not line.endswith(_FULL_WIDTH_SIGNS) else words
    return line


def has_message(key: str, language: str | None = None) -> bool:
    """Whether the catalogue of a language has the key."""
    from core.settings import get_settings

    return key in load_messages(language or get_settings().lang)


def _flatten_tree(prefix: str, tree: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in tree.items():
        key = f"{prefix}{name}"
        pairs += _flatten_tree(f"{key}.", value) if isinstance(value, Mapping) else [(key, str(value))]
    return pairs
