"""A small home folder that lint finds nothing in: one system, two entities, one feed, one check. Tests break it."""

from __future__ import annotations

from pathlib import Path

import pytest

SOURCE = """\
apiVersion: v3.1.0
kind: DataContract
id: staff_record
version: 1.0.0
status: active
domain: hr
team: {name: 人事处}
servers:
  - {server: src_hr, type: custom}
schema:
  - name: staff_record
    physicalName: T_JZG
    businessName: 教职工
    customProperties:
      - {property: mode, value: window}
      - {property: watermark, value: changed_at}
    properties:
      - {name: staff_no, physicalName: GH, businessName: 工号, logicalType: string, primaryKey: true, classification: P1}
      - {name: name, physicalName: XM, businessName: 姓名, logicalType: string, classification: P1}
      - {name: unit_code, physicalName: DWH, businessName: 单位号, logicalType: string, classification: P0}
      - {name: salary, physicalName: GZ, businessName: 工资, logicalType: number, classification: P3}
      - {name: changed_at, physicalName: XGSJ, businessName: 修改时间, logicalType: timestamp, classification: P0}
"""
UNIT = """\
apiVersion: v3.1.0
kind: DataContract
id: org_unit
version: 1.0.0
status: active
domain: hub
schema:
  - name: org_unit
    businessName: 单位
    customProperties:
      - {property: authority, value: [hr]}
    properties:
      - {name: unit_code, businessName: 单位号, logicalType: string, primaryKey: true, classification: P0}
"""
STAFF = """\
apiVersion: v3.1.0
kind: DataContract
id: staff
version: 1.0.0
status: active
domain: hub
schema:
  - name: staff
    businessName: 教职工
    customProperties:
      - {property: authority, value: [hr]}
      - property: brake
        value: {maxDeletePercent: 5, floor: 20, expect: [arrival]}
    quality:
      - {type: custom, engine: campus-hub, implementation: staff__named, severity: error}
    properties:
      - {name: staff_no, businessName: 工号, logicalType: string, primaryKey: true, classification: P1}
      - name: name
        businessName: 姓名
        logicalType: string
        logicalTypeOptions: {pattern: '^.+$'}
        classification: P1
      - name: unit_code
        businessName: 单位号
        logicalType: string
        classification: P0
        relationships:
          - to: org_unit.unit_code
        customProperties:
          - {property: stdCode, value: DWH}
      - name: sex_code
        businessName: 性别码
        logicalType: string
        classification: P2
        customProperties:
          - {property: codeList, value: GB/T 2261.1}
      - {name: salary, businessName: 工资, logicalType: number, physicalType: 'decimal(12,2)', classification: P3}
"""
FEED = """\
apiVersion: v3.1.0
kind: DataContract
id: e01_hr_academic
version: 1.0.0
status: active
servers:
  - {server: dst_academic, type: custom}
customProperties:
  - {property: flow, value: SJGXLC01}
  - {property: edge, value: E01}
  - {property: source, value: hr}
  - {property: target, value: academic}
schema:
  - name: staff_basic
    physicalName: hub_staff
    businessName: 教职工基本信息
    customProperties:
      - {property: filter, value: is_paid}
    properties:
      - {name: staff_no, businessName: 工号, logicalType: string, primaryKey: true, classification: P1}
      - {name: sex_code, businessName: 性别码, logicalType: string, classification: P2}
      - {name: is_paid, businessName: 是否发薪, logicalType: boolean, classification: P1}
"""
FLOWS = """\
systems:
  - {code: hr}
  - {code: academic}
flows:
  - {code: SJGXLC01}
edges:
  - {id: E01, source: hr, target: academic, datasets: [staff_basic]}
additional_edges:
  - id: E90
    source: academic
    target: hr
    datasets: [staff_basic]
    declared_by: hub
    declarations: [{step: SJGXLC01/1, side: hub}]
    publish_mode: automatic
    deliver_mode: automatic
    apply_mode: not_stated
    technician_check: required
    reason_zh: 另立
    reason_en: by the hub
"""
CONFORM = """\
select
    cast(trim(r.staff_no) as varchar) as staff_no,
    r.name,
    r.unit_code,
    m.code as sex_code,
    cast(r.salary as decimal(12, 2)) as salary,
    r.source_row
from hr.staff_record r
left join codes.map m on m.system = 'hr' and m.list = 'GB/T 2261.1' and m.source_code = r.name
"""
FILES = {
    "schemas/sources/hr/staff_record.odcs.yaml": SOURCE,
    "schemas/hub/org_unit.odcs.yaml": UNIT,
    "schemas/hub/staff.odcs.yaml": STAFF,
    "schemas/feeds/sjgxlc01/e01_hr_academic.odcs.yaml": FEED,
    "schemas/flows/flows.yaml": FLOWS,
    "schemas/calendar/2026-2027.yaml": "windows:\n  - {name: arrival, first: 2026-09-05, last: 2026-09-06}\n",
    "schemas/codes/gbt.csv": "list,code,name_zh,name_en,parent,valid_from,valid_to,basis\nGB/T 2261.1,1,男性,male,,,,K\n",
    "schemas/codes/maps/hr.csv": "system,list,source_code,code\nhr,GB/T 2261.1,男,1\n",
    "sql/conform/staff/hr.sql": CONFORM,
    "sql/feeds/sjgxlc01/staff_basic.sql": (
        "select s.staff_no, s.sex_code, case when s.salary > 0 then true else false end as is_paid\nfrom staff s\n"
    ),
    "sql/checks/staff__named.sql": "select source_system, source_row\nfrom staff\nwhere name is null\n",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return tmp_path
