"""The number of this release, written once: packaging, `hub --version` and a backup's manifest all read it here."""

from __future__ import annotations

VERSION = "0.2.0"
