"""A codebook of themes in English and Chinese, and the coding of comments by it: every decision can be looked up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from crmlab.errors import refuse

__all__ = ["CODEBOOK", "LANGUAGES", "code_comments", "language_of"]

Codebook = Mapping[str, Mapping[str, Sequence[str]]]

LANGUAGES = ("en", "zh")

# Words of a retail bank's customers by theme. English: whole words, `*` for any ending. Chinese: any place in the text.
# A word after `!` is taken out of the comment first: "nothing to complain about" is no complaint.
CODEBOOK: dict[str, dict[str, list[str]]] = {
    "fees": {
        "en": re.split(
            "; ",
            "fee; fees; charge*; cost*; price*; expensive; pay more; what i pay; good deal; commission*",
        ),
        "zh": ["收费", "费用", "手续费", "管理费", "年费", "月费", "卡费", "价格", "多付", "花的钱", "划算",
               "物有所值", "工本费", "短信费", "佣金", "扣费"],
    },
    "rates": {
        "en": re.split("; ", "interest; rate; rates; overdraft"),
        "zh": ["利率", "利息", "透支"],
    },
    "app": {
        "en": re.split(
            "; ",
            "app; apps; online banking; mobile banking; on my phone; password*; log in; logs me out; login; website; "
            "overview of my spending; !online banking was down; !not an app",
        ),
        "zh": ["手机银行", "网上银行", "网银", "手机付款", "手机上办", "登录", "密码", "界面", "收支", "闪退",
               "验证码", "!不是手机应用", "!网上银行却瘫痪", "!换了网上银行"],
    },
    "outage": {
        "en": re.split("; ", "outage*; breakdown*; was down; is down; system failed; system failure*; crash*"),
        "zh": ["故障", "瘫痪", "崩溃", "宕机"],
    },
    "waiting": {
        "en": re.split(
            "; ",
            "wait*; queue*; too long; took; slow service; hotline; at once; within a day; within two days; the next "
            "day; the same week; few minutes; settled; !put right at once; !understood at once; !took time for",
        ),
        "zh": ["等了", "不用等", "排得很长", "排队", "太慢", "热线", "接通", "办好", "办完", "几分钟", "花了",
               "解决了", "!花了钱"],
    },
    "complaint_handling": {
        "en": re.split("; ", "complain*; apolog*; mistake*; my money back; !nothing to complain about"),
        "zh": ["投诉", "道歉", "退了款", "退款", "出错", "错在"],
    },
    "staff": {
        "en": re.split(
            "; ",
            "staff; colleague*; employee*; teller*; person on the phone; rude; friendly; feels responsible; treated; "
            "respect",
        ),
        "zh": ["工作人员", "员工", "柜员", "客服", "态度", "热情", "推诿", "尊重", "编号", "!客服热线"],
    },
    "branch": {
        "en": re.split(
            "; ",
            "branch; branches; cash machine*; atm; opening hours; at the counter; counter open; !colleague at the "
            "counter; !one counter open",
        ),
        "zh": ["网点", "支行", "分行", "取款机", "营业时间", "隐私"],
    },
    "advice": {
        "en": re.split("; ", "advice; advis*; fund; funds; brochure*"),
        "zh": ["顾问", "理财经理", "咨询", "推销", "基金", "建议很", "的建议"],
    },
    "products": {
        "en": re.split(
            "; ",
            "product; products; savings plan*; conditions; card works; card is not accepted; second account; account "
            "does; account, card and savings; !own product",
        ),
        "zh": ["产品", "条款", "账户功能", "再开一个", "都能用", "搭配", "!理财产品", "!推销产品",
               "!自己的产品条款", "!哪些产品不需要"],
    },
    "praise": {
        "en": re.split(
            "; ",
            "satisfied; good bank; great bank; rely on; runs smoothly; i am happy; nothing to complain*",
        ),
        "zh": ["满意", "信赖", "好银行", "一切顺利", "可抱怨"],
    },
    "switching": {
        "en": re.split("; ", "another bank; close my account; elsewhere; moved to; switch*; leave the bank"),
        "zh": ["换一家", "销户", "别的银行开了", "换了网上银行", "换银行"],
    },
    "security": {
        "en": re.split("; ", "fraud*; scam*; phishing; stolen; secure; security; unauthorised; unauthorized"),
        "zh": ["诈骗", "盗刷", "被盗", "泄露", "不安全", "安全性"],
    },
    "suggestion": {
        "en": re.split(
            "; ",
            "suggest*; would help; please offer; would like to see; e-mail please; larger font; reminder*",
        ),
        "zh": ["提个建议", "可以大", "最好有", "希望所有", "少寄", "提醒"],
    },
}  # fmt: skip


def language_of(comments: pd.Series) -> pd.Series:
    """Tell Chinese (``zh``, any Chinese character) from the rest (``en``); an empty comment has no language.

    Examples
    --------
    >>> language_of(pd.Series(["The app is slow.", "手机银行很慢。", None])).tolist()
    ['en', 'zh', nan]
    """
    text = comments.fillna("").astype(str).str.strip()
    chinese = text.str.contains("[\u3400-\u9fff]")
    return pd.Series("en", index=comments.index, dtype=object).mask(chinese, "zh").where(text != "", float("nan"))


def code_comments(comments: pd.Series, *, codebook: Codebook = CODEBOOK) -> pd.DataFrame:
    """Find the themes of comments by the words of a codebook.

    Parameters
    ----------
    comments : Series of str
        One text a comment, English or Chinese; gaps and empty texts have no theme.
    codebook : mapping
        Theme to language (``en``, ``zh``) to words, as read from an own file; see `CODEBOOK` for the form.

    Returns
    -------
    DataFrame
        One row a comment in the order given, numbered from 0 (no identifier); one column a theme, True where the
        comment has it. A comment may have several themes or none.

    Notes
    -----
    Coding by words sees a theme that is named, not one that is meant, and takes no notice of irony. Let two people
    code a sample, and put its agreement beside every count (`crmlab.satisfaction.comments.coders`). The words of
    `CODEBOOK` were chosen with the simulated bank's sentences in view; on other comments fewer will be found.

    Examples
    --------
    >>> coded = code_comments(pd.Series(["The fees are too high.", "手机银行很慢。", "Hello"]))
    >>> [[theme for theme in coded.columns if row[theme]] for row in coded.to_dict("records")]
    [['fees'], ['app'], []]
    """
    _check(comments, codebook)
    text = comments.fillna("").astype(str).str.lower().str.replace(r"\s+", " ", regex=True).reset_index(drop=True)
    return pd.DataFrame({theme: _has(text, words) for theme, words in codebook.items()}, dtype=bool)


def _has(text: pd.Series, words: Mapping[str, Sequence[str]]) -> pd.Series:
    everything = [(word.lower(), language) for language, listed in words.items() for word in listed]
    out = [_pattern(word[1:], language) for word, language in everything if word.startswith("!")]
    wanted = [_pattern(word, language) for word, language in everything if not word.startswith("!")]
    rest = text.str.replace("|".join(out), " ", regex=True) if out else text
    return rest.str.contains("|".join(wanted), regex=True)


def _pattern(word: str, language: str) -> str:
    if language == "zh":
        return re.escape(word)
    return rf"\b{re.escape(word.removesuffix('*'))}" + (r"\w*" if word.endswith("*") else r"\b")


def _check(comments: pd.Series, codebook: Codebook) -> None:
    problems = []
    if not codebook:
        problems.append("codebook: no theme. Give at least one with its words.")
    for theme, words in codebook.items():
        if not isinstance(words, Mapping) or (unknown := sorted(set(words) - set(LANGUAGES))):
            found = ", ".join(unknown) if isinstance(words, Mapping) else "no language"
            problems.append(f"codebook: theme {theme!r} has {found}. List its words under {' and '.join(LANGUAGES)}.")
            continue
        listed = [word for one in words.values() for word in one]
        if wrong := [word for word in listed if not isinstance(word, str) or not word.strip("!* ")]:
            problems.append(f"codebook: theme {theme!r} has the word {wrong[0]!r}. Write words or phrases.")
        elif not [word for word in listed if not word.startswith("!")]:
            problems.append(f"codebook: theme {theme!r} has no words. Add some, or take it out.")
    if not all(isinstance(one, str) for one in comments.dropna()):
        problems.append("comments: some are no text. Give the column of open answers.")
    refuse(*problems)
