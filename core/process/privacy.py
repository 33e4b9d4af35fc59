"""What this process writes is for the user who runs it: rows of persons, in every folder that it makes."""

from __future__ import annotations

import os
import stat

from core.settings import get_settings

_OTHERS_MODE = stat.S_IRWXO | stat.S_IRGRP | stat.S_IWGRP
"""What nobody else may do in `var`. Its group may still go through it: the database of a root runs as another user."""


def restrict_permissions() -> None:
    """Make files and folders 0600 and 0700 from now on, and close `var` where an older process left it open."""
    os.umask(0o077)
    var = get_settings().var
    if var.is_dir() and var.stat().st_uid == os.geteuid() and (mode := stat.S_IMODE(var.stat().st_mode)) & _OTHERS_MODE:
        var.chmod(mode & ~_OTHERS_MODE)
