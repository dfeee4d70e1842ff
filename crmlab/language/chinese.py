"""How Chinese is written: signs between texts, days, spaces. The interpreter knows no other rule of the language."""

from __future__ import annotations

import re

__all__ = ["CHINESE", "ENDS", "JOINTS", "QUOTES", "day_words", "spaced"]

CHINESE = re.compile("[\u4e00-\u9fff]")
# Where a text may be cut, the strongest first: (English, Chinese).
JOINTS = ((" · ", " · "), (". ", "。"), ("? ", "？"), ("! ", "！"), ("; ", "；"), (": ", "："), (" – ", "——"),
          (", and ", "，以及"), (", ", "，"), (" and ", "和"), (" or ", "或"), (" / ", " / "), (" | ", " | "),
          ("\n", "\n"), ("/", "/"), ("–", "–"))  # fmt: skip
ENDS = {".": "。", "?": "？", "!": "！", ":": "：", ";": "；"}
QUOTES = {'"': "“”", "'": "‘’", "“": "“”"}
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_DAY = re.compile(rf"(?:(\d{{1,2}}) )?({'|'.join(_MONTHS)}) (\d{{4}})")
_SHORT_MONTHS = {name[:3]: number for number, name in enumerate(_MONTHS, 1)}
_SPACE = re.compile(r"(?<=[，。；：、？！（）”]) +(?=\S)| +(?=[，。；：、？！（）])")


def day_words(text: str) -> str | None:
    """Tell a day or a month; None for anything else.

    >>> day_words("31 December 2025"), day_words("Dec"), day_words("today")
    ('2025年12月31日', '12月', None)
    """
    if day := _DAY.fullmatch(text):
        return f"{day[3]}年{_MONTHS.index(day[2]) + 1}月" + (f"{int(day[1])}日" if day[1] else "")
    return f"{_SHORT_MONTHS[text]}月" if text in _SHORT_MONTHS else None


def spaced(text: str) -> str:
    """Set spaces as the house does: none beside signs of a sentence, one around a range and behind per cent.

    >>> spaced("占4.2 %的客户 （3.9至4.5 %）。。")
    '占4.2 % 的客户（3.9 至 4.5 %）。'
    """
    text = re.sub(r"。[。.]+", "。", _SPACE.sub("", text))
    text = re.sub(r"(?<=[\d%]) ?至 ?(?=[-+−±]?\d|[A-Z]{3} )", " 至 ", text)
    text = re.sub(r"(?<=[\u4e00-\u9fff”])\(([^()]*)\)", r"（\1）", text)
    return re.sub(r"(?<=%)(?=[\u4e00-\u9fff])", " ", text)
