"""How a person is written down: number, name, identity document, address. Systems then add their own spelling to it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campus.simulate.arrays import (
    Frame,
    Ints,
    Text,
    build_card_numbers,
    build_identity_numbers,
    choose_texts,
    format_digits,
    format_numbers,
    join_bytes,
    join_texts,
    kernels,
    pick_texts,
    repeat_text,
)
from campus.simulate.lists import DOT_NAMES, GIVEN, MAJORS, PLACES, RARE, REGIONS, SURNAMES, UNITS
from campus.simulate.world import World

NORMAL, DOTTED, RARE_CHARACTER = 0, 1, 2
"""Kinds of names: two or three characters, with a middle dot, with a character beyond the basic plane."""
FILLER = "\u3000"
BULLET = "\u2022"
_UNIT_CODES = [unit.code for unit in UNITS]
_REGION_NUMBERS = np.array([int(region) for region in REGIONS])


def format_student_numbers(world: World, rows: Ints) -> Text:
    """Entry year and serial, behind S or B for postgraduates. The serial is the row, so a number is never used twice."""
    students = world.students
    plain = join_bytes(format_digits(students["entry"][rows], 4), format_digits(rows, 7))
    letter = pick_texts(["", "B", "S", "", ""], students["level"][rows])
    return join_texts(letter, plain)


def format_staff_numbers(world: World, rows: Ints) -> Text:
    """A leading zero that spreadsheets like to lose, two digits of the year of joining, six of the row."""
    joined = world.staff["joined"][rows].astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return join_bytes(repeat_text("0", len(rows)), format_digits(joined % 100, 2), format_digits(rows, 6))


def format_known_staff(world: World, rows: Ints) -> Text:
    """Staff numbers where the row is not -1, else null."""
    known = rows >= 0
    return choose_texts(known, format_staff_numbers(world, np.where(known, rows, 0)), None)


def find_deputies(staff: Frame, colleges: Ints) -> Ints:
    """The deputy secretary of each of these colleges (indices into `UNITS`): one of the first quarter, which stays in post. A
    university with few staff has one for several colleges."""
    return np.asarray(colleges % max(1, len(staff["unit"]) // 4))


def format_unit_codes(units: Ints, prefix: str = "") -> Text:
    """Unit codes behind a system's own prefix; null for -1."""
    return pick_texts([prefix + code for code in _UNIT_CODES] + [None], units)


def format_major_codes(majors: Ints) -> Text:
    """Major codes; null for -1."""
    return pick_texts([major.code for major in MAJORS] + [None], majors)


def find_major_units(majors: Ints) -> Ints:
    """The unit (index) that each major belongs to."""
    return np.array([major.unit for major in MAJORS])[majors]


def format_class_numbers(world: World, rows: Ints) -> Text:
    """Two digits of the entry year, the major's code, a two-digit serial; null for -1."""
    known = rows >= 0
    at = np.where(known, rows, 0)
    classes = world.classes
    entry, serial = format_digits(classes["entry"][at] % 100, 2), format_digits(classes["number"][at], 2)
    full = join_texts(join_bytes(entry), format_major_codes(classes["major"][at]), join_bytes(serial))
    return choose_texts(known, full, None)


def format_names(frame: Frame, dot: str = "·", filler: str = "") -> Text:
    """Full names. `dot` stands between the parts of dotted names, `filler` inside every other two-character name."""
    style, single = frame["style"], frame["second"] < 0
    dotted = pick_texts([name.replace("·", dot) for name in DOT_NAMES], np.where(style == DOTTED, frame["surname"], 0))
    surname = pick_texts(SURNAMES, np.where(style == DOTTED, 0, frame["surname"]))
    given = choose_texts(style == RARE_CHARACTER, RARE, pick_texts(GIVEN, frame["given"]))
    second = pick_texts((*GIVEN, ""), frame["second"])
    spaced = single & (frame["house"] % 2 == 0) & (kernels.utf8_length(surname).to_numpy() == 1)
    plain = join_texts(surname, choose_texts(spaced, filler, ""), given, second)
    return choose_texts(style == DOTTED, dotted, plain)


def format_identities(frame: Frame, small_x: int = 0) -> Text:
    """Document numbers: resident identity numbers, passports for foreigners. Every `small_x`-th row writes x for X."""
    resident = build_identity_numbers(_REGION_NUMBERS[frame["region"]], frame["birth"], frame["sequence"])
    if small_x:
        resident = choose_texts(frame["house"] % small_x == 0, kernels.utf8_lower(resident), resident)
    if "foreign" not in frame:
        return resident
    return choose_texts(frame["foreign"] > 0, format_numbers(frame["account"] % 10**8, 8, "M"), resident)


def format_regions(frame: Frame) -> Text:
    return pick_texts(REGIONS, frame["region"])


def format_places(frame: Frame) -> Text:
    return pick_texts(PLACES, frame["region"])


def format_addresses(frame: Frame) -> Text:
    """Home addresses, some of them long."""
    tail = pick_texts(["路", "大街", "新村", "家属院东区综合服务楼北侧临时周转住房附属平房"], frame["house"] % 4)
    return join_texts(format_places(frame), "人民", tail, format_plain(frame["house"]), "号")


def format_plain(values: Ints) -> Text:
    """Numbers as text without leading zeros."""
    return pa.array(values, pa.int64()).cast(pa.string())


def format_mobiles(frame: Frame) -> Text:
    return format_numbers(frame["mobile"], 11)


def format_grouped_mobiles(frame: Frame) -> Text:
    """Mobiles as people type them: every fifth `138-1234-5678`, every eleventh with +86."""
    figures, dash = format_digits(frame["mobile"], 11), repeat_text("-", len(frame["mobile"]))
    grouped = join_bytes(figures[:, :3], dash, figures[:, 3:7], dash, figures[:, 7:])
    plain_text = join_bytes(figures)
    return choose_texts(
        frame["house"] % 5 == 0, grouped, choose_texts(frame["house"] % 11 == 0, join_texts("+86 ", plain_text), plain_text)
    )


def format_accounts(frame: Frame) -> Text:
    return build_card_numbers(frame["account"])
