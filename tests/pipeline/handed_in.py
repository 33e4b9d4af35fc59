"""A list that a department hands in as a file: laid beside the small university's own contracts, and what of it was taken."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from signing import have

from contracts.catalog import load_catalog
from core.errors import HubError
from core.store.ledger import Ledger
from desk import upload

PARTS = Path(__file__).parent / "allowance"
DATASET = "finance.allowance"
Amounts = dict[str, int]


def taken(book: Ledger, offer: upload.UploadRequest) -> dict[str, Any]:
    """The receipt of a file that is handed in, after a second person agreed where one is asked for."""
    for name in ("周会计", "财务处长"):
        have(name, "department", systems=("finance",))
    found = upload.upload_file(book, load_catalog(), offer)
    return upload.approve_held(book, load_catalog(), found["receipt"], "财务处长") if found.get("waits") else found


class HandedIn:
    """The list 补贴: the amounts by person of every file that was taken, the last of them last."""

    def __init__(self, university: Any, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.university, self.folder = university, folder
        self.taken: list[Amounts] = []
        self.patch = patch
        shutil.copytree(PARTS, university.home, dirs_exist_ok=True)

    def reset(self) -> None:
        """Nothing was handed in yet."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.patch.setenv("AIRFLOW_CONN_SRC_FINANCE_UPLOAD", f"file://{self.folder}")
        self.taken.clear()

    def hand_in(self, amounts: Amounts, as_of: date, *, insist: bool = False, unreadable: bool = False) -> str:
        """Hand in a file, and `insist` although rows will be held; `taken`, `refused`, or the code it was turned away with."""
        lines = [f"{person},{amount}.50" for person, amount in sorted(amounts.items())]
        if unreadable:
            lines.append("T0001,八百")
        file = self.university.var.parent / "补贴.csv"
        file.write_text("\n".join(["工号,金额", *lines, ""]), "utf-8")
        offer = upload.UploadRequest(DATASET, file, "周会计", as_of, insist, "急" if insist else "")
        try:
            state = str(taken(self.university.ledger, offer)["state"])
        except HubError as error:
            return error.code
        if state == "taken" and (not self.taken or self.taken[-1] != amounts):
            self.taken.append(amounts)
        return state

    def hub(self) -> Amounts:
        """What the hub holds of the list."""
        rows = self.university.source_rows_of(
            self.university.hub_url, "select staff_no, trunc(amount) from hub.allowance where to_version is null"
        )
        return {person: int(amount) for person, amount in rows}

    def check(self) -> None:
        """Every line that the hub holds was in a file that was taken."""
        said = {line for amounts in self.taken for line in amounts.items()}
        strange = set(self.hub().items()) - said
        assert not strange, f"never in a file that was taken: {sorted(strange)}"
