"""What was worded in English, told in another language: findings are read by the messages that worded them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from crmlab.language.catalogue import catalogue
from crmlab.language.chinese import CHINESE, ENDS, JOINTS, QUOTES, day_words, spaced
from crmlab.language.patterns import NUMBER, VALUE, Pattern, pattern

__all__ = ["Interpreter"]

# Nothing to translate: numbers with signs and units of money, days, names of columns and files, abbreviations.
_NO_WORDS = re.compile(
    rf"(?:[^A-Za-z\u00c0-\u024f]*|[-+±]?[A-Z]{{3}} {NUMBER}|[nNpkrRtzFd]|[np] [=<>] ?{NUMBER}|[A-Z][A-Z0-9.&-]*s?"
    r"|[a-z]+(?:_[a-z0-9]+)+|[a-z]+\d+|[0-9a-f]{12,}|[\w./-]+\.(?:json|csv|html|xlsx|yml|txt)|`[^`]*`"
    r"|(?:[\w.-]+ \d+\.\d+\.\d[\w.]*(?:, |$))+|[-+−]?[A-Za-z]?\d[\w.,-]*|[\w.+-]+@[\w.-]+|https?://\S+|[A-Za-z]:?[\\/]\S*)"
)
# What a label or a header measures in: "Margin, EUR thousand".
_UNITS = (
    r"%|number|[A-Z]{3}(?: thousand| million| billion)?|days|years|months|minutes|points|index(?: points)?|thousand|"
    r"million|billion"
)
_MEASURED = re.compile(rf"([^.;:]+), ({_UNITS})")
_RANGE = re.compile(rf"({VALUE}) to ({VALUE})")
_LEAD = re.compile(r"\*\*(?:Decision|Owner|决策|负责人)\*\*\s*")
_SENTENCE_END = re.compile(r"[.?!](?:\*\*)? (?=[A-Z0-9\"“*`])")
_LEVELLED = re.compile(r"(\d+(?:\.\d+)? %), (.+)")  # how an interval was made, behind its level
_NUMBERED = re.compile(rf"(.*[A-Za-z)])( +)({NUMBER}(?: %)?)")
_COUNTED = re.compile(rf"({NUMBER})(  )(.*)")
_BREAKS = re.compile(r"[.!?] (?=[A-Z0-9])|; ")
_BEFORE, _AFTER = (" ", ",", ";", ":", "("), (" ", "(")  # how a message begins or ends that is put to others
_MOST_LEFT = 0.5  # of the letters of a text of so many words
_MANY_WORDS = 6
_SENTENCES = 4  # in one message of the code, at most
_FEW_WORDS = 5
_WEAK = 10  # letters: a message of fewer, and of no field of a kind, gives way to any other reading
_PIECES_AHEAD = 4  # of a text that is cut: a message of code is hardly longer
_KINDS_OF_JOINTS = 2
_MOST_STEPS = 2_000  # of one text: what is not told by then stays in English


def _sentences_of(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give the sentences of messages that have several, where both languages have them one by one.

    An answer is worded whole, and a slide may show its first sentence alone.
    """
    for english, said in texts.items():
        ours = re.split(r"(?<=[.?!]) (?=[A-Z{])", english.strip())
        theirs = [part for part in re.split(r"(?<=[。？！])", said.strip()) if part]
        if len(ours) == len(theirs) > 1:
            for one, other in zip(ours, theirs, strict=True):
                fields = set(pattern(one).fields)
                if one not in texts and fields == set(re.findall(r"\{(\w+)", other)):
                    yield one, other


class _Told(NamedTuple):
    """A text told.

    Parameters
    ----------
    text : str
    left : tuple of str
        Parts that had to stay as they were.
    cost : (int, int)
        What to keep small: letters not told, then how often a field had to hold more than one thing.
    """

    text: str
    left: tuple[str, ...] = ()
    cost: tuple[int, int] = (0, 0)


_FREE = (0, 0)


class Interpreter:
    """Tells English texts in another language, by a catalogue.

    A finding is worded once, in English, where it is computed. Each message of the catalogue is the wording as the code
    has it, with its fields in braces, so a finding can be read back: which message is it, and what stood in the fields?
    Fields are told in the same way, numbers stay as they are; nothing is computed anew. Where several messages could
    have made a text, the one is taken that leaves the fewest letters untold.

    Parameters
    ----------
    language : str
        ``en`` or ``zh``.
    texts : mapping of str to str, optional
        English message -> message; the language's catalogue when left out.

    Examples
    --------
    >>> chinese = Interpreter("zh", {"{n:,} customers {what}.": "{n}名客户{what}。", "closed": "已销户"})
    >>> chinese("1,204 customers closed."), chinese("5 customers moved."), chinese.left("5 customers moved.")
    ('1,204名客户已销户。', '5名客户moved。', ('moved',))
    """

    def __init__(self, language: str, texts: Mapping[str, str] | None = None) -> None:
        self.language = language
        self._kept: dict[str, _Told] = {}
        texts = catalogue(language) if texts is None else texts
        self._plain: dict[str, str] = {}
        self._patterns: list[tuple[Pattern, str]] = []
        self._joints: list[tuple[tuple[str, ...], bool]] = []  # parts of messages put to others; whether at their end
        for english, said in [*texts.items(), *_sentences_of(texts)]:
            whole, made = pattern(english), pattern(english.strip())
            if made.fields and not made.fixed:
                continue  # fields and signs alone: any text could be it
            if made.fields:
                self._patterns.append((made, said.strip()))
            else:
                self._plain[made.parts[0]] = said.strip().replace("{{", "{").replace("}}", "}")
            if whole.parts[0][:1] in _BEFORE and whole.parts[0].strip():
                self._joints.append((whole.parts, False))
            if whole.parts[-1][-1:] in _AFTER and whole.parts[-1].strip():
                self._joints.append((whole.parts, True))
        # "**Owner** head of CRM" is shown without its lead too
        led = {one: other for one, other in self._plain.items() if _LEAD.match(one) and _LEAD.match(other)}
        self._plain = {_LEAD.sub("", one): _LEAD.sub("", other) for one, other in led.items()} | self._plain
        self._patterns.sort(key=lambda one: -one[0].fixed)
        self._anchors = [max(made.parts, key=len) for made, _ in self._patterns]

    def __call__(self, text: str) -> str:
        """Tell a text; in English it stays as it is."""
        return text if self.language == "en" or not text else self._told(text).text

    def left(self, text: str) -> tuple[str, ...]:
        """Name the parts of a text that the catalogue does not know."""
        return () if self.language == "en" or not text else self._told(text).left

    def every(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Tell several texts."""
        return tuple(self(text) for text in texts)

    def _told(self, text: str) -> _Told:
        if text not in self._kept:
            self._kept[text] = _Reading(self, text.strip()).whole()
        return self._kept[text]


class _Reading:
    """One text being read: only messages whose words are in it are tried."""

    def __init__(self, of: Interpreter, text: str) -> None:
        self._plain = of._plain
        self._text = text
        self._tried = [
            one
            for one, anchor in zip(of._patterns, of._anchors, strict=True)
            if not anchor.strip() or anchor in text or anchor[:1].swapcase() + anchor[1:] in text
        ]
        self._joints = [
            (parts, anchor, at_end) for parts, at_end in of._joints if (anchor := max(parts, key=len)) in text
        ]
        self._memo: dict[str, _Told] = {}
        self.steps = 0
        self._ways = (self._range, self._as_message, self._measured, self._with_end, self._with_pieces,
                      self._cut, self._enclosed, self._numbered)  # fmt: skip

    def whole(self) -> _Told:
        """Tell the text, in messages of one or a few sentences each."""
        text = self._text
        ends = [0, *(end.end() for end in _SENTENCE_END.finditer(text)), len(text)]
        best = [_Told("")]
        for last in range(1, len(ends)):
            way = None
            for first in range(last - 1, max(-1, last - 1 - _SENTENCES), -1):
                self.steps = 0  # each stretch has its own
                told = _joined(best[first], "", self._stretch(text[ends[first] : ends[last]]))
                way = told if way is None or told.cost < way.cost else way
                if way.cost == _FREE:
                    break
            best.append(way)
        return best[-1]._replace(text=spaced(best[-1].text))

    def _stretch(self, text: str) -> _Told:
        told, untold = self._tell(text), _untold(text)
        if len(text.split()) >= _MANY_WORDS and told.cost[0] > _MOST_LEFT * untold.cost[0]:
            return untold  # a mixture of two languages reads worse than one
        return told

    def _tell(self, text: str) -> _Told:
        text = text.strip()
        if text not in self._memo:
            self.steps += 1
            self._memo[text] = _untold(text)  # while it is being read it cannot explain itself
            self._memo[text] = self._best(text)
        return self._memo[text]

    def _best(self, text: str) -> _Told:
        if CHINESE.search(text):
            return _Told(text)
        if (known := self._known(text)) is not None:
            return _Told(known)
        if _NO_WORDS.fullmatch(text):
            return _Told(text)
        best = _untold(text)
        if self.steps > _MOST_STEPS:
            return best
        for ways in self._ways:
            for told in ways(text, best):
                if told.cost < best.cost:
                    best = told
                if best.cost == _FREE:
                    return best
        return best

    def _known(self, text: str) -> str | None:
        if day := day_words(text):
            return day
        for form in (*_forms(text), text.lower(), f"{text}."):  # a list of items leaves their full stops out
            if form in self._plain:
                return self._plain[form]
        return None

    def _range(self, text: str, best: _Told) -> Iterator[_Told]:
        if found := _RANGE.fullmatch(text):
            yield _joined(self._tell(found[1]), " 至 ", self._tell(found[2]))
        if found := _LEVELLED.fullmatch(text):
            yield _around(self._tell(found[2]), f"{found[1]}，", "")

    def _as_message(self, text: str, best: _Told) -> Iterator[_Told]:
        least = best.cost[0]
        for form in _forms(text):
            for made, said in self._tried:
                for values in made.readings(form):
                    told, untold = [], 0
                    for value in values:
                        if value == form:
                            break
                        told.append(self._tell(value) if value.strip() else _Told(value))
                        untold += told[-1].cost[0]
                        if untold > least:
                            break
                    if len(told) == len(values) and untold <= least:
                        least = untold
                        yield (filled := _filled(made, said, values, told))
                        if filled.cost == _FREE:
                            break

    def _measured(self, text: str, best: _Told) -> Iterator[_Told]:
        if found := _MEASURED.fullmatch(text):
            unit = " ".join(self._tell(word).text for word in found[2].split())
            yield _around(self._tell(found[1]), "", f"（{unit}）")

    def _numbered(self, text: str, best: _Told) -> Iterator[_Told]:
        """Tell the name before a number, as in a list: "loyalty 41.9 %, image 30.2 %"."""
        if found := _NUMBERED.fullmatch(text):
            yield _around(self._tell(found[1]), "", found[2] + found[3])
        if found := _COUNTED.fullmatch(text):
            yield _around(self._tell(found[3]), found[1] + found[2], "")

    def _with_end(self, text: str, best: _Told) -> Iterator[_Told]:
        end = ENDS.get(text[-1:])
        if end and len(text) > 1:
            yield _around(self._tell(text[:-1]), "", end)

    def _with_pieces(self, text: str, best: _Told) -> Iterator[_Told]:
        """Cut where a message begins or ends that was written to be put together with others."""
        places: dict[int, int] = {}  # place -> letters of the part that says so
        for parts, anchor, at_end in self._joints:
            for start in _found(text, anchor):
                if at_end:
                    place = text.find(parts[-1], start) + len(parts[-1])
                else:
                    place = text.rfind(parts[0], 0, start + len(parts[0]) if parts[0] == anchor else start)
                places[place] = max(places.get(place, 0), len(anchor))
        inside = sorted((place for place in places if 0 < place < len(text)), key=lambda place: (-places[place], place))
        for place in inside[:_PIECES_AHEAD]:
            yield _joined(self._tell(text[:place]), "", self._tell(text[place:]))

    def _cut(self, text: str, best: _Told) -> Iterator[_Told]:
        """Cut at the strongest joints there are: a first part of a few pieces, and the rest."""
        kinds = 0
        for english, said in JOINTS:
            places = [start for start in _places(text, english) if text[:start].strip() and text[start:].strip(english)]
            joint = "、" if english == ", " and _is_list(text) else said
            for start in places[:_PIECES_AHEAD]:
                left, right = text[:start], text[start + len(english) :]
                if english[0] in ".?!":  # a sentence keeps its end: its message may have it
                    left, joint = text[: start + 1], ""
                if right.strip():
                    yield _joined(self._tell(left), joint, self._tell(right))
            kinds += bool(places)
            if kinds == _KINDS_OF_JOINTS:
                return

    def _enclosed(self, text: str, best: _Told) -> Iterator[_Told]:
        for mark in ("**", "*"):
            if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
                yield _around(self._tell(text[len(mark) : -len(mark)]), mark, mark)
        if text[:1] in QUOTES and text[-1:] in ('"', "'", "”") and len(text) > 2:
            yield _around(self._tell(text[1:-1]), *QUOTES[text[0]])
        for start in _found(text, " (")[:_PIECES_AHEAD]:
            end = _closing(text, start + 1)
            if end > 0:
                told = _joined(self._tell(text[:start]), "（", _around(self._tell(text[start + 2 : end]), "", "）"))
                rest = text[end + 1 :].strip()
                yield _joined(told, "", self._tell(rest)) if rest else told
        if text[:1] == "(" and _closing(text, 0) == len(text) - 1:
            yield _around(self._tell(text[1:-1]), "（", "）")


def _forms(text: str) -> tuple[str, ...]:
    """Give the forms in which a wording may stand: it may begin a sentence."""
    return tuple(dict.fromkeys((text, text[:1].lower() + text[1:], text[:1].upper() + text[1:])))


def _untold(text: str) -> _Told:
    return _Told(text, (text,), (sum(sign.isalpha() for sign in text) + 1, 0))


def _around(told: _Told, before: str, after: str) -> _Told:
    return told._replace(text=before + told.text + after)


def _filled(made: Pattern, said: str, values: tuple[str, ...], told: list[_Told]) -> _Told:
    """Fill a message; what its fields hold beyond one thing counts against it, and so does a full stop they swallow."""
    strain = sum(one.cost[1] for one in told) + sum(value.endswith(".") for value in values)
    strain += sum(not value for value in values[:-1])  # what may be left out stands at the end as a rule
    lists = [field.startswith("join") for field in made.fields]  # the code joined several things on purpose
    strain += sum(len(_BREAKS.findall(value)) for value, is_list in zip(values, lists, strict=True) if not is_list)
    strain += made.fixed < _WEAK and not any(made.kinds) and not any(lists)
    filled = _fill(said, dict(zip(made.fields, told, strict=True)))
    return _Told(filled, tuple(part for one in told for part in one.left), (sum(one.cost[0] for one in told), strain))


def _joined(one: _Told, joint: str, other: _Told) -> _Told:
    cost = (one.cost[0] + other.cost[0], one.cost[1] + other.cost[1])
    return _Told(one.text + joint + other.text, one.left + other.left, cost)


def _places(text: str, part: str) -> list[int]:
    """Find a part outside parentheses: what stands inside belongs together."""
    return [start for start in _found(text, part) if text.count("(", 0, start) <= text.count(")", 0, start)]


def _found(text: str, part: str) -> list[int]:
    """Find every place of a part in a text."""
    return [match.start() for match in re.finditer(re.escape(part), text)]


def _is_list(text: str) -> bool:
    """Tell commas of a list of short things from those of a sentence."""
    return all(len(item.split()) <= _FEW_WORDS for item in re.split(r", (?:and )?| and ", text))


def _closing(text: str, start: int) -> int:
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place
    return -1


def _fill(said: str, values: Mapping[str, _Told]) -> str:
    return re.sub(r"\{(\w+)[^{}]*\}", lambda field: values[field[1]].text, said).replace("{{", "{").replace("}}", "}")
