"""Names, places and plans of the simulated province. All people, numbers and companies are invented."""

from __future__ import annotations

from random import Random

PROVINCE = "320000"
CITIES: dict[str, str] = {"320100": "南京", "320500": "苏州"}
#: division codes with their area
DISTRICTS: dict[str, list[tuple[str, str]]] = {
    "320100": [("320102", "urban"), ("320104", "urban"), ("320105", "urban"), ("320106", "urban"), ("320117", "rural")],
    "320500": [("320505", "urban"), ("320506", "urban"), ("320507", "urban"), ("320508", "urban"), ("320509", "rural")],
}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
_GIVEN = {
    "m": _words("伟 强 磊 军 勇 杰 涛 明 超 建国 志强 文博 俊杰 浩然 子轩 海波 国栋 晓东 永康 德华"),
    "f": _words("芳 娜 敏 静 丽 艳 娟 霞 秀英 桂兰 雨欣 梓涵 思琪 佳怡 晓燕 雪梅 美玲 慧敏 玉兰 春花"),
}
_TRADES = _words("科技 贸易 物流 建材 电子 医药 餐饮 服饰 机械 传媒")
_BRANDS = _words("恒远 金桥 华盛 天驰 瑞丰 新纪元 长江 东方 锦绣 鼎信 汇通 中泰 嘉和 宏图 万里")

#: plan code -> (brand, monthly fee in fen, weight)
PLANS: dict[str, tuple[str, int, int]] = {
    "P99": ("GoTone", 9900, 20),
    "P129": ("GoTone", 12900, 25),
    "P199": ("GoTone", 19900, 30),
    "P299": ("GoTone", 29900, 15),
    "P599": ("GoTone", 59900, 8),
    "E1999": ("Enterprise", 199900, 2),
}
COMPLAINTS: dict[str, tuple[str, ...]] = {
    "network": ("家里信号差，通话断续", "地铁站里没有 5G 信号", "宽带晚上经常掉线"),
    "billing": ("上月多扣了漫游费", "增值业务没有订购却扣费", "账单与套餐不符"),
    "service": ("营业厅排队两小时", "热线三次没有人接", "装机师傅没有按时上门"),
    "sales": ("外呼承诺的优惠没有兑现", "合约期与当初说的不一样"),
}
CHANNELS = ("app", "bank", "counter", "wechat", "alipay")


def person(rng: Random) -> tuple[str, str]:
    """A name and its gender (m, f)."""
    gender = rng.choice("mf")
    return rng.choice(_SURNAMES) + rng.choice(_GIVEN[gender]), gender


def company(rng: Random, city: str) -> str:
    """Name of a company."""
    return f"{CITIES[city]}{rng.choice(_BRANDS)}{rng.choice(_TRADES)}有限公司"


def id_number(rng: Random, district: str, born: str) -> str:
    """A citizen's number in the form of GB 11643, with a check digit that is never right: it can't be anybody's."""
    body = f"{district}{born.replace('-', '')}{rng.randrange(1000):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    right = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]
    return body + ("7" if right != "7" else "8")
