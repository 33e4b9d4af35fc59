"""What the rehearsal university is made of: units, majors, places and the characters of names.

Everything here is invented or public. Lists are tuples, so that the generators can draw from them by index and the
same seed gives the same people for ever; append to a list, never insert into it.
"""

from __future__ import annotations

from typing import NamedTuple


class Unit(NamedTuple):
    """A unit. `category` is the canonical code of JY/DWLB; `parent` the index of the unit above, -1 for none."""

    code: str
    name: str
    name_en: str
    category: str
    parent: int


class Major(NamedTuple):
    """A major. `unit` is an index into `UNITS`; `level` the canonical code of JY/PYCC (1 doctor to 4 junior college)."""

    code: str
    national: str
    name: str
    unit: int
    level: int
    years: int
    discipline: str


_COLLEGES = (
    (
        "食品与生物工程学院",
        "School of Food and Bioengineering",
        "08",
        "食品科学与工程",
        "生物工程",
        "酿酒工程",
        "食品检验检测技术",
    ),
    ("材料与化学工程学院", "School of Materials and Chemistry", "08", "化学工程与工艺", "应用化学", "材料化学", "应用化工技术"),
    (
        "机电工程学院",
        "School of Mechanical Engineering",
        "08",
        "机械设计制造及其自动化",
        "机械电子工程",
        "过程装备与控制工程",
        "机电一体化技术",
    ),
    (
        "电气信息工程学院",
        "School of Electrical Engineering",
        "08",
        "电气工程及其自动化",
        "自动化",
        "测控技术与仪器",
        "电气自动化技术",
    ),
    ("计算机与通信工程学院", "School of Computer Science", "08", "计算机科学与技术", "网络工程", "通信工程", "计算机应用技术"),
    ("软件学院", "School of Software", "08", "软件工程", "数据科学与大数据技术", "物联网工程", "软件技术"),
    (
        "建筑环境工程学院",
        "School of Building Environment",
        "08",
        "土木工程",
        "建筑环境与能源应用工程",
        "给排水科学与工程",
        "建筑工程技术",
    ),
    ("艺术设计学院", "School of Art and Design", "13", "视觉传达设计", "环境设计", "产品设计", "动漫设计"),
    ("经济与管理学院", "School of Economics and Management", "12", "工商管理", "会计学", "市场营销", "大数据与会计"),
    ("政法学院", "School of Politics and Law", "03", "法学", "社会工作", "公共事业管理", "法律事务"),
    ("外国语学院", "School of Foreign Languages", "05", "英语", "商务英语", "日语", "应用英语"),
    ("数学与信息科学学院", "School of Mathematics", "07", "数学与应用数学", "信息与计算科学", "应用统计学", "统计与大数据分析"),
    (
        "物理与电子工程学院",
        "School of Physics and Electronics",
        "07",
        "应用物理学",
        "电子信息工程",
        "光电信息科学与工程",
        "应用电子技术",
    ),
    ("轻纺科学与工程学院", "School of Light Industry", "08", "纺织工程", "轻化工程", "包装工程", "包装工程技术"),
    ("国际教育学院", "School of International Education", "12", "国际经济与贸易", "物流管理", "旅游管理", "国际商务"),
    ("美术学院", "School of Fine Arts", "13", "绘画", "动画", "服装与服饰设计", "服装设计与工艺"),
)
_OFFICES = (
    ("党委办公室", "Party Committee Office", "4"),
    ("校长办公室", "President's Office", "5"),
    ("人事处", "Personnel Office", "5"),
    ("教务处", "Academic Affairs Office", "5"),
    ("研究生处", "Graduate School Office", "5"),
    ("财务处", "Finance Office", "5"),
    ("学生处", "Student Affairs Office", "5"),
    ("科研处", "Research Office", "5"),
    ("招生办公室", "Admissions Office", "5"),
    ("就业指导中心", "Career Centre", "3"),
    ("图书馆", "Library", "3"),
    ("信息化管理中心", "Information Management Centre", "3"),
    ("档案馆", "Archives", "3"),
    ("后勤管理处", "Logistics Office", "7"),
    ("保卫处", "Security Office", "5"),
    ("校医院", "University Hospital", "6"),
    ("附属中学", "Affiliated Middle School", "6"),
    ("食品研究院", "Food Research Institute", "2"),
    ("工程训练中心", "Engineering Training Centre", "3"),
    ("科技开发公司", "Technology Company", "8"),
)

UNITS: tuple[Unit, ...] = (
    Unit("20010000", "示范大学", "Rehearsal University", "9", -1),
    *(Unit(f"2001{i + 1:02d}00", name, english, "1", 0) for i, (name, english, *_) in enumerate(_COLLEGES)),
    *(Unit(f"2001{i + 51:02d}00", name, english, category, 0) for i, (name, english, category) in enumerate(_OFFICES)),
)
COLLEGES = len(_COLLEGES)
"""Units 1 to `COLLEGES` are the teaching colleges."""
DEPUTY = 3
"""The rank of an office that is a college's deputy secretary; lower ones are head, deputy head and section head."""
OFFICES = len(_OFFICES)

UNDERGRADUATE: tuple[Major, ...] = tuple(
    Major(
        code=f"{i + 1:03d}{k + 1:03d}",
        national=f"{discipline}{k + 1:02d}{i + 1:02d}" if k < 3 else f"4{i % 9 + 1}{k:02d}{i + 1:02d}",
        name=name,
        unit=i + 1,
        level=3 if k < 3 else 4,
        years=4 if k < 3 else 3,
        discipline=discipline if k < 3 else "",
    )
    for i, (_, _, discipline, *names) in enumerate(_COLLEGES)
    for k, name in enumerate(names)
)
POSTGRADUATE: tuple[Major, ...] = tuple(
    Major(
        code=f"Y{i + 1:02d}{level}{k + 1:02d}",
        national=f"{discipline}{i % 9 + 1:02d}",
        name=f"{name}{'(硕士)' if level == 2 else '(博士)'}",
        unit=i + 1,
        level=level,
        years=3 if level == 2 else 4,
        discipline=discipline,
    )
    for i, (_, _, discipline, *names) in enumerate(_COLLEGES)
    for k, name in enumerate(names[:2])
    for level in ((2, 1) if k == 0 else (2,))
)
MAJORS: tuple[Major, ...] = UNDERGRADUATE + POSTGRADUATE

CAMPUSES = (
    ("1", "东校区", "示范路1号", "450001"),
    ("2", "西校区", "学府路2号", "450002"),
    ("3", "实习校区", "实训路3号", "450003"),
)

SURNAMES = (
    *"王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛",
    *"叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文",
    "欧阳",
    "上官",
    "司马",
    "诸葛",
    "尉迟",
)
GIVEN = (
    *"伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰萍红建国文辉力健俊帆婷雪梅琳欣怡佳子轩浩宇梓涵思远晨曦一诺",
    *"雨泽嘉豪若溪天佑博文诗涵欣然皓月凯瑞昊然语嫣睿哲依诺心怡志强春燕海波立新永康振东晓彤慧敏家兴国栋德胜鸿飞庆云光耀",
)
RARE = "𠮷"
"""A character beyond the basic plane (U+20BB7): four bytes in UTF-8, absent from GBK."""
DOT_NAMES = (
    "买买提·阿不都热依木",
    "阿依古丽·吐尔逊",
    "古丽娜尔·艾合买提江·玉素甫",
    "迪丽热巴·阿卜杜克里木·麦麦提艾力江",
    "扎西·多吉",
    "艾力江·吾斯曼",
)
"""Names with a middle dot; the fourth has 19 characters."""

REGIONS = (
    "410102", "410103", "410105", "410181", "410202", "410302", "410402", "410502", "410602", "410702", "410802", "410902",
    "411002", "411102", "411302", "411402", "110101", "110105", "120101", "130102", "140105", "150102", "210102", "220102",
    "230102", "310101", "320102", "330102", "340102", "350102", "360102", "370102", "420102", "430102", "440103", "450102",
    "460105", "510104", "520102", "530102", "540102", "610102", "620102", "630102", "640104", "650102",
)  # fmt: skip
PLACES = (
    "河南省郑州市中原区", "河南省郑州市二七区", "河南省郑州市金水区", "河南省巩义市",
    "河南省开封市龙亭区", "河南省洛阳市老城区", "河南省平顶山市新华区", "河南省安阳市文峰区",
    "河南省鹤壁市鹤山区", "河南省新乡市红旗区", "河南省焦作市解放区", "河南省濮阳市华龙区",
    "河南省许昌市魏都区", "河南省漯河市源汇区", "河南省南阳市宛城区", "河南省商丘市梁园区",
    "北京市东城区", "北京市朝阳区", "天津市和平区", "河北省石家庄市长安区",
    "山西省太原市小店区", "内蒙古自治区呼和浩特市新城区", "辽宁省沈阳市和平区", "吉林省长春市南关区",
    "黑龙江省哈尔滨市道里区", "上海市黄浦区", "江苏省南京市玄武区", "浙江省杭州市上城区",
    "安徽省合肥市瑶海区", "福建省福州市鼓楼区", "江西省南昌市东湖区", "山东省济南市历下区",
    "湖北省武汉市江岸区", "湖南省长沙市芙蓉区", "广东省广州市荔湾区", "广西壮族自治区南宁市兴宁区",
    "海南省海口市秀英区", "四川省成都市锦江区", "贵州省贵阳市南明区", "云南省昆明市五华区",
    "西藏自治区拉萨市城关区", "陕西省西安市新城区", "甘肃省兰州市城关区", "青海省西宁市城东区",
    "宁夏回族自治区银川市兴庆区", "新疆维吾尔自治区乌鲁木齐市天山区",
)  # fmt: skip
"""The place that goes with each region, in the same order."""

PAY_ITEMS = (
    ("0101", "岗位工资"),
    ("0102", "薪级工资"),
    ("0201", "基础性绩效"),
    ("0202", "奖励性绩效"),
    ("0301", "住房公积金"),
    ("0401", "个人所得税"),
)
TECH_POSTS = (("011", "教授"), ("012", "副教授"), ("013", "讲师"), ("014", "助教"))
"""GB/T 8561 codes of the university teachers' series."""
