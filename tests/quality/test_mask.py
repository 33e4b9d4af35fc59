"""What a screen may show of a value, by the canonical model's section 10."""

from __future__ import annotations

import pytest
from quality_cases import column

from quality.mask import mask_value


@pytest.mark.parametrize(
    ("name", "pii", "value", "shown"),
    [
        ("name", "P1", "张三", "张*"),
        ("name", "P1", "张三丰", "张**"),
        ("name", "P1", "欧阳修文", "欧阳**"),
        ("name", "P1", "买买提·阿不都热依木", "买买提·***"),
        ("name", "P1", "𠮷野", "𠮷*"),
        ("name_pinyin", "P1", "ZHANG Zhenhua", "Z***"),
        ("former_name", "P2", "李四", "李*"),
        ("contact_name", "P3", "李四", "李*"),
        ("id_number", "P3", "410105200401011234", "410***********1234"),
        ("id_number", "P3", "E12345678", "*******78"),
        ("mobile", "P2", "13812341234", "138****1234"),
        ("contact_phone", "P3", "12345", "*****"),
        ("bank_account", "P3", "6222021234567890123", "***************0123"),
        ("email", "P2", "zhang@example.edu.cn", "z***@example.edu.cn"),
        ("email", "P2", "zhang", "***"),
        ("home_address", "P3", "河南省郑州市中原区科学大道100号", "河南省郑州市中原区***"),
        ("home_address", "P3", "北京市海淀区中关村大街1号", "北京市海淀区***"),
        ("home_address", "P3", "浙江省义乌市稠州路小区5栋", "浙江省义乌市***"),
        ("home_address", "P3", "科学大道100号", "***"),
        ("birth_date", "P2", "2004-05-06", "2004"),
        ("birth_date", "P2", "20040506", "2004"),
        ("birth_date", "P2", "5/6/2004", "***"),
        ("student_no", "P1", "20260001", "20260001"),
        ("amount", "P3", "8000.00", "***"),
        ("anything_new", "P2", "x", "***"),
        ("anything_new", "P9", "x", "***"),
        ("name", "P0", "数学学院", "数学学院"),
        ("address", "P0", "科学大道100号", "科学大道100号"),
        ("name", "P1", "", ""),
    ],
)
def test_a_value_is_shown_as_far_as_its_class_allows(name: str, pii: str, value: str, shown: str) -> None:
    assert mask_value(column(name, pii=pii), value) == shown
