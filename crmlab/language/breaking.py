"""Lines of text: where one may end, and how wide its signs are."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["breakable", "fill", "width"]

_WIDE = "\u2e7f"  # signs beyond it are as wide as they are high
_NEVER_FIRST, _NEVER_LAST = "，。；：、？！）”’》％%,.;:?!)", "（“‘《("


def fill(text: str, characters: int) -> str:
    """Break a text into lines of so many characters; a Chinese sign counts as two, and a line may end at any of them.

    >>> print(fill("Half of them left", 9))
    Half of
    them left
    >>> print(fill("一半客户，已流失", 8))
    一半客户，
    已流失
    """
    lines, used = [""], 0
    for word, spaced in _pieces(text):
        wide = width(word)
        before = 1 if spaced and lines[-1] else 0
        if lines[-1] and used + before + wide > characters and word not in _NEVER_FIRST:
            lines.append("")
            used = before = 0
        lines[-1] += " " * before + word
        used += before + wide
    return "\n".join(lines)


def width(text: str) -> int:
    """Width of a text in characters, a Chinese sign as two.

    >>> width("满意 4")
    6
    """
    return len(text) + sum(sign > _WIDE for sign in text)


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Cut where a line may end: at spaces, and beside Chinese signs."""
    for word in text.split():
        piece, spaced = "", True
        for sign in word:
            if sign > _WIDE:
                if piece:
                    yield piece, spaced
                    piece, spaced = "", False
                yield sign, spaced
                spaced = False
            else:
                piece += sign
        if piece:
            yield piece, spaced


def breakable(word: str) -> list[str]:
    """Cut a word where a line may end: at its Chinese signs, none of which begins a line that closes something.

    >>> breakable("客户（A级），")
    ['客', '户', '（A', '级），']
    """
    pieces: list[str] = []
    for piece, _ in _pieces(word):
        if pieces and (piece[0] in _NEVER_FIRST or pieces[-1][-1] in _NEVER_LAST):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces
