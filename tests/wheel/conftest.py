"""The installed product, once a session."""

from __future__ import annotations

from built_wheel import installed

__all__ = ["installed"]
