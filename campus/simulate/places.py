"""Where each system keeps its data in the rehearsal: the kind of server or folder behind a connection id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Kind = Literal["postgresql", "mariadb", "sqlserver", "sqlite", "folder", "directory"]

SOURCES: Mapping[str, Kind] = {
    "src_hr": "mariadb",
    "src_academic": "postgresql",
    "src_graduate": "postgresql",
    "src_finance": "postgresql",
    "src_finance_upload": "folder",
    "src_finance_legacy": "folder",
    "src_student_affairs": "mariadb",
    "src_library": "mariadb",
    "src_research": "sqlserver",
    "src_welcome": "postgresql",
    "src_registration": "postgresql",
    "src_employment": "sqlite",
    "src_leaving": "postgresql",
    "src_campus_card": "mariadb",
    "src_office": "sqlite",
    "src_portal": "mariadb",
    "src_admissions_office": "folder",
    "src_logistics": "folder",
    "src_it_centre": "folder",
}
TARGETS: Mapping[str, Kind] = {
    "dst_research": "folder",
    "dst_archive": "folder",
    "dst_volunteer": "folder",
    "dst_employment": "folder",
    "dst_campus_card": "folder",
    "dst_learning_space": "folder",
    "dst_student_affairs": "mariadb",
    "dst_library": "mariadb",
    "dst_mobile_campus": "mariadb",
    "dst_directory": "directory",
}
"""Receivers with a place of their own; the others get an empty PostgreSQL database."""
