"""Words that are typical of a theme and name nobody: many customers use them, and what names a person is hidden."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.satisfaction.comments.codebook import language_of
from crmlab.satisfaction.comments.themes import check_coding

__all__ = ["EMPTY_WORDS", "FEWEST_CUSTOMERS", "chinese_runs", "mask", "quotes"]

FEWEST_CUSTOMERS = 10
_MASKS = (
    (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "[e-mail]"),
    (r"(?:https?://|www\.)\S+", "[link]"),
    (r"\+?\d(?:[\s()/-]{0,2}\d){5,}", "[number]"),
    (r"(?<![\w])(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Sir|Madam)\.?\s+[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+)?", "[name]"),
    (r"[\u4e00-\u9fff]{1,2}(?=先生|女士|小姐|经理|主任|行长|老师)", "[name]"),
    (r"(?<=我叫)[\u4e00-\u9fff]{2,3}|(?<=我是)[\u4e00-\u9fff]{2,3}(?=[,，。])", "[name]"),
    (r"(?<=[Mm]y name is )[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+)?", "[name]"),
    (r"\d+(?:[.,]\d+)*", "#"),
)


def mask(comments: pd.Series, *, names: Collection[str] = ()) -> pd.Series:
    """Hide what names a person: e-mail and web addresses, telephone and account numbers, all digits, names.

    Parameters
    ----------
    comments : Series of str
        Texts, English or Chinese.
    names : collection of str
        Names of staff and others, hidden wherever they stand.

    Returns
    -------
    Series
        Same index; ``[e-mail]``, ``[link]``, ``[number]``, ``[name]`` and ``#`` in their places.

    Notes
    -----
    Names are found from the list and beside a form of address; a bare name that is not listed stays. A masked text is
    not anonymous: do not publish single comments, but `quotes`.

    Examples
    --------
    >>> mask(pd.Series(["Ms Jane Miller (jane@bank.com) took 25 days, call 0151 2345678.", "王经理很热情。"])).tolist()
    ['[name] ([e-mail]) took # days, call [number].', '[name]经理很热情。']
    """
    text = comments.copy()
    listed = sorted((name for name in names if name.strip()), key=len, reverse=True)
    patterns = list(_MASKS)
    if listed:
        own = "|".join(rf"\b{re.escape(name)}\b" if name.isascii() else re.escape(name) for name in listed)
        patterns.insert(2, (f"(?i:{own})", "[name]"))
    for pattern, shown in patterns:
        text = text.str.replace(pattern, shown, regex=True)
    return text


def quotes(
    comments: pd.Series,
    coded: pd.DataFrame,
    customers: pd.Series,
    *,
    names: Collection[str] = (),
    phrases: int = 5,
    fewest: int = FEWEST_CUSTOMERS,
) -> pd.DataFrame:
    """Give the words that are typical of each theme and that many customers use: nobody's own sentence.

    Parameters
    ----------
    comments : Series of str
        Texts, one a comment.
    coded : DataFrame
        Themes of the comments, the same order.
    customers : Series
        Who wrote each comment, the same order.
    names : collection of str
        Names to hide, see `mask`.
    phrases : int
        At most so many a theme and language.
    fewest : int
        Customers who must use the words on the theme, 10 or more.

    Returns
    -------
    DataFrame
        ``theme``, ``language``, ``phrase`` (one to three English words, two to six Chinese characters; masked),
        ``customers_count`` (who use it on this theme), ``theme_share`` (of the theme's customers who wrote in the
        language, 0 to 1). Most typical first; no identifier.

    Notes
    -----
    Typical: used on the theme clearly more often than elsewhere (log odds, half a use added, above two of their
    standard errors). A phrase within another is left out.

    Examples
    --------
    >>> comments = pd.Series(["The monthly fee is high"] * 12 + ["Staff are kind"] * 12)
    >>> coded = pd.DataFrame({"fees": [True] * 12 + [False] * 12})
    >>> quotes(comments, coded, pd.Series(range(24)), phrases=1)["phrase"].tolist()
    ['fee is high']
    """
    check_coding(coded, customers=customers, comments=comments)
    refuse(*([f"quotes: fewest is {fewest}. Fewer than 10 customers could be known by their words."]
             if fewest < FEWEST_CUSTOMERS else []))  # fmt: skip
    text, language = mask(comments.fillna("").astype(str), names=names).tolist(), language_of(comments).to_numpy()
    person = pd.factorize(customers)[0]
    flags = coded.to_numpy(dtype=bool)
    rows = []
    for spoken in ("en", "zh"):
        used: dict[str, set[int]] = defaultdict(set)
        on: list[dict[str, set[int]]] = [defaultdict(set) for _ in coded.columns]
        places = [place for place in range(len(text)) if language[place] == spoken]
        for place in places:
            for phrase in _phrases(text[place], spoken):
                used[phrase].add(person[place])
                for theme in np.flatnonzero(flags[place]):
                    on[theme][phrase].add(person[place])
        speakers = len({person[place] for place in places})
        for theme, name in enumerate(coded.columns):
            size = len({person[place] for place in places if flags[place, theme]})
            rows += _typical(on[theme], used, size, speakers, fewest, phrases, {"theme": name, "language": spoken})
    return pd.DataFrame(rows, columns=["theme", "language", "phrase", "customers_count", "theme_share"])


# Words that alone say nothing; a phrase neither begins nor ends with one.
EMPTY_WORDS = frozenset(
    re.findall(
        r"[a-z]+",
        "a an the and or but of to in on at for with from by as is are was were be been am it its this that "
        "these those i my  me you your we our they their he she his her not no so too very really always had "
        "has have do does did will would  can could should there what who which when than then if all any "
        "some more most just only without within done everything nothing one own other ",
    )
)
_EDGES = frozenset("的了是我在也和就都很还不有")  # grammar; a Chinese phrase neither begins nor ends with one


def chinese_runs(text: str, shortest: int, longest: int) -> list[str]:
    """Runs of Chinese characters that may be words: none reaches across punctuation, or begins or ends with grammar.

    Examples
    --------
    >>> chinese_runs("利率，很低", 2, 4)
    ['利率']
    """
    return [
        run[start : start + length]
        for run in re.findall("[\u3400-\u9fff]+", text)
        for length in range(shortest, longest + 1)
        for start in range(len(run) - length + 1)
        if run[start] not in _EDGES and run[start + length - 1] not in _EDGES
    ]


def _phrases(text: str, language: str) -> set[str]:
    found = set()
    for piece in re.split(r"[.,;:!?()\[\]，。；：！？、（）“”\"]+|#", re.sub(r"\[[a-z-]+\]", ".", text)):
        if language == "zh":
            found |= set(chinese_runs(piece, 2, 6))
            continue
        words = re.findall(r"[a-z][a-z'-]*", piece.lower())
        found |= {
            " ".join(words[start : start + length])
            for length in (1, 2, 3)
            for start in range(len(words) - length + 1)
            if words[start] not in EMPTY_WORDS and words[start + length - 1] not in EMPTY_WORDS
        }
    return found


def _typical(
    on: dict[str, set[int]],
    used: dict[str, set[int]],
    size: int,
    speakers: int,
    fewest: int,
    phrases: int,
    labels: dict[str, str],
) -> list[dict[str, object]]:
    counts = Counter({phrase: len(who) for phrase, who in on.items() if len(who) >= fewest})
    others = speakers - size

    def odds(phrase: str) -> tuple[float, float]:
        here, there = counts[phrase], len(used[phrase] - on[phrase])
        cells = [here + 0.5, size - here + 0.5, there + 0.5, max(others - there, 0) + 0.5]
        return math.log(cells[0] * cells[3] / (cells[1] * cells[2])), math.sqrt(sum(1 / cell for cell in cells))

    known = {phrase: odds(phrase) for phrase in counts}
    clear = [phrase for phrase, (log_odds, error) in known.items() if log_odds > 2 * error]
    chosen: list[str] = []
    for phrase in sorted(clear, key=lambda p: (-round(known[p][0], 1), -len(p), p)):
        if not any(phrase in longer or longer in phrase for longer in chosen):
            chosen.append(phrase)
        if len(chosen) == phrases:
            break
    return [
        labels | {"phrase": phrase, "customers_count": counts[phrase], "theme_share": counts[phrase] / size}
        for phrase in chosen
    ]
