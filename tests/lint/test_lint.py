"""Every kind of finding: one slip in a sound home folder gives exactly one line, at the right place."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.text import catalogue
from schemas.lint import lint

SOURCE = "schemas/sources/hr/staff_record.odcs.yaml"
UNIT = "schemas/hub/org_unit.odcs.yaml"
STAFF = "schemas/hub/staff.odcs.yaml"
FEED = "schemas/feeds/sjgxlc01/e01_hr_academic.odcs.yaml"
CONFORM = "sql/conform/staff/hr.sql"
FEED_SQL = "sql/feeds/sjgxlc01/staff_basic.sql"
CHECK = "sql/checks/staff__named.sql"
GBT, MAPS = "schemas/codes/gbt.csv", "schemas/codes/maps.csv"


def test_a_sound_home_has_no_findings(home: Path) -> None:
    assert [str(finding) for finding in lint(home)] == []


SLIPS = [
    (STAFF, "kind: DataContract", "kind: {DataContract", "2: HUB101"),
    (STAFF, "status: active", "statu: active", "5: HUB111 the standard has no field statu. Known here: status"),
    (STAFF, "logicalType: string\n        logicalTypeO", "logicalTyp: string\n        logicalTypeO", "21: HUB111"),
    (STAFF, "id: staff\n", "", "1: HUB112 id is missing."),
    (SOURCE, "businessName: 姓名, ", "", "20: HUB112 name.businessName is missing."),
    (SOURCE, "team: {name: 人事处}\n", "", "1: HUB112 team.name is missing."),
    (SOURCE, "XM, businessName: 姓名, logicalType: string", "XM, businessName: 姓名, logicalType: text", "20: HUB113"),
    (STAFF, "severity: error", "severity: fatal", "15: HUB113 severity has the wrong value fatal. It should be: error, warning."),
    (SOURCE, "value: window", "value: windows", "15: HUB113 mode has the wrong value windows."),
    (STAFF, "maxDeletePercent: 5", "maxDeletes: 5", "13: HUB113 brake has the wrong value"),
    (STAFF, "classification: P2", "classification: secret", "36: HUB113 classification has the wrong value secret."),
    (STAFF, "version: 1.0.0", "version: 1.0", "4: HUB114 version is of type float. It should be string"),
    (STAFF, "property: stdCode", "property: stdcode", "32: HUB115 customProperties has no word stdcode. Known here: stdCode"),
    (SOURCE, "domain: hr", "domain: academic", "6: HUB116 domain says academic"),
    (FEED, "value: E01}", "value: E02}", "8: HUB116 customProperties says e02_hr_academic"),
    (STAFF, "businessName: 姓名\n", "businessName: 姓名\n        businessName: 名字\n", "20: HUB117 businessName is there twice"),
    (STAFF, "name: sex_code", "name: unit_code", "33: HUB117 unit_code is there twice"),
    (UNIT, "primaryKey: true, ", "", "8: HUB118 org_unit has no key."),
    (SOURCE, "name: salary", "name: row_hash", "22: HUB119 the name row_hash cannot be used."),
    (STAFF, "to: org_unit.unit_code", "to: org_units.unit_code", "30: HUB120 the reference org_units.unit_code leads nowhere."),
    (STAFF, "to: org_unit.unit_code", "to: org_unit.unit_cod", "30: HUB120 the reference org_unit.unit_cod leads nowhere."),
    (STAFF, "value: GB/T 2261.1", "value: GB/T 2261", "37: HUB121 there is no code list GB/T 2261. Known: GB/T 2261.1"),
    (SOURCE, "value: changed_at", "value: change_at", "16: HUB122 mode: window needs a watermark"),
    (STAFF, "value: [hr]", "value: [hrm]", "11: HUB123 there is no system hrm. Known systems: academic, hr."),
    (FEED, "name: staff_basic", "name: staff_basics", "14: HUB125 edge E01 has no dataset staff_basics."),
    (STAFF, "expect: [arrival]", "expect: [arrive]", "12: HUB126 the calendar has no window arrive. Known: arrival"),
    (GBT, "男性,male", "男性,male,,\nGB/T 2261.1,1,男,m", "3: HUB127"),
    (MAPS, "男,1", "男,7", "2: HUB127 this line of the code list is wrong: GB/T 2261.1 7."),
    (STAFF, "'^.+$'", "'^(?=a).+$'", "22: HUB128 the pattern of name cannot be used: (?=."),
    (SOURCE, "businessName: 工资", "businessName: 待填", "22: HUB129 a place is still to be filled in: 待填."),
    (CONFORM, "r.name,\n", "r.name, -- 待填\n", "3: HUB129"),
    (CONFORM, "trim(r.staff_no)", "trim(r.staff_no", "2: HUB130 the SQL cannot be read"),
    (CHECK, "where name", "; select 1 where name", "1: HUB131 the file holds SELECT, SELECT."),
    (CHECK, "select source_system, source_row\nfrom staff", "delete\nfrom staff", "1: HUB131 the file holds DELETE."),
    (FEED_SQL, "from staff s", "from staff s where exists (select * from staff)", "2: HUB132"),
    (CONFORM, "'hr'", "'{{ system }}'", "9: HUB133 there is a template in the SQL: {{."),
    (CONFORM, "trim(r.staff_no)", "hash(r.staff_no)", "2: HUB134 hash is not allowed: engines hash differently; use md5."),
    (CONFORM, "r.name,", "regexp_replace(r.name, 'a', '') as name,", "3: HUB134 regexpreplace is not allowed: some engines"),
    (CONFORM, "decimal(12, 2)", "double", "6: HUB134 datatype is not allowed: floating point"),
    (CONFORM, "r.name,", "trimm(r.name) as name,", "3: HUB135 trimm is not on the portable list. Near it: trim"),
    (CONFORM, "    r.name,\n", "", "2: HUB136 the output differs from the contract: missing name; extra -."),
    (CONFORM, "hr.staff_record r", "hr.staff_recrod r", "8: HUB137 there is no table hr.staff_recrod. Known here: hr.staff_record"),
    (CONFORM, "r.unit_code", "r.unit_cod as unit_code", "4: HUB139 there is no column r.unit_cod. Known here: unit_code"),
    (CHECK, "name is null", "named is null", "3: HUB139 there is no column named. Known here: name"),
    (STAFF, "    quality:\n      - {type: custom, engine: campus-hub, implementation: staff__named, severity: error}\n", "", "HUB140"),
    (STAFF, "staff__named", "staff__name", "HUB141"),
    (CONFORM, "    r.name,\n    r.unit_code,\n", "    r.unit_code,\n    r.name,\n", "2: HUB142 the output columns are in another order"),
    (FEED_SQL, "s.sex_code,", "max(s.sex_code) over () as sex_code,", "1: HUB144 a feed's SELECT may not look across rows"),
    (FEED_SQL, "s.sex_code,", "(select 'x') as sex_code,", "1: HUB144 a feed's SELECT may not look across rows (subquery)."),
    (FEED, "name: is_paid", "name: is_payed", "HUB150 column is_payed is not in the dataset's SELECT (or entity). Known: is_paid"),
    (FEED, "P2}", "P1}", "20: HUB151 column sex_code has class P1, lower than P2 where it comes from."),
    (FEED_SQL, "s.sex_code,", "coalesce(s.sex_code, cast(s.salary as text)) as sex_code,", "20: HUB151 column sex_code has class P2"),
    (FEED, "P2}", "P3}", "14: HUB152 P3 columns sex_code are given without a written purpose."),
    (FEED, "value: is_paid}", "value: is_payed}", "18: HUB153 the filter is wrong: is_payed."),
]


@pytest.mark.parametrize(("file", "old", "new", "expected"), [slip for slip in SLIPS if slip[3]])
def test_one_slip_gives_one_line(home: Path, file: str, old: str, new: str, expected: str) -> None:
    path = home / file
    content = path.read_text("utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), "utf-8")
    lines = [finding.render("en") for finding in lint(home)]
    assert any(expected in line for line in lines), lines
    print("\n".join(lines))
