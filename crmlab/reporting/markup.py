"""Text to HTML that asks no network for anything and lets nothing of the data through as markup."""

from __future__ import annotations

import functools
import re
from html import escape
from html.parser import HTMLParser
from typing import Any

__all__ = [
    "NO_BREAK", "Headings", "cell_html", "code_html", "inline_html", "markdown_html", "plain_table_html", "unbroken",
]  # fmt: skip

NO_BREAK = "\u00a0"
_KEPT_TAGS = {
    "table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "p", "br", "b", "strong", "i", "em", "ul", "ol",
    "li", "code", "pre", "h3", "h4", "h5", "hr", "sub", "sup", "small",
}  # fmt: skip
_KEPT_ATTRIBUTES = {"scope", "colspan", "rowspan"}
_DROPPED_WITH_TEXT = {"style", "script", "svg", "iframe", "object", "template", "noscript"}


class Headings:
    """Gives every heading of a page an anchor of its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def anchor(self, text: str) -> str:
        """Return an anchor for a heading's text.

        >>> headings = Headings()
        >>> headings.anchor("How rich?"), headings.anchor("How rich?")
        ('how-rich', 'how-rich-2')
        """
        base = re.sub(r"[^\w]+", "-", text.lower()).strip("-") or "part"
        anchor, number = base, 1
        while anchor in self._taken:
            number += 1
            anchor = f"{base}-{number}"
        self._taken.add(anchor)
        return anchor


@functools.cache
def _markdown() -> Any:
    import mistune

    class Renderer(mistune.HTMLRenderer):
        """Plain structure: pictures become their description, links leave only as links."""

        def image(self, text: str, url: str, title: str | None = None) -> str:
            return escape(text)

        def link(self, text: str, url: str, title: str | None = None) -> str:
            if not re.match(r"(https?://|#|mailto:)", url):
                return text
            return f'<a href="{escape(url)}" rel="noreferrer">{text}</a>'

        def block_code(self, code: str, info: str | None = None) -> str:
            return super().block_code(code, info).replace("<pre>", '<pre tabindex="0">', 1)  # keys can scroll it

        def heading(self, text: str, level: int, **attributes: Any) -> str:
            return f"<h{max(3, level)}>{text}</h{max(3, level)}>\n"

    return mistune.create_markdown(renderer=Renderer(escape=True), escape=True, plugins=["table"])


def markdown_html(text: str) -> str:
    """Turn Markdown into HTML; HTML inside it is shown as text, pictures as their description.

    >>> markdown_html("A **bold** <script>x</script> ![map](http://x/y.png)")
    '<p>A <strong>bold</strong> &lt;script&gt;x&lt;/script&gt; map</p>\\n'
    >>> markdown_html("```\\na\\n```")
    '<pre tabindex="0"><code>a\\n</code></pre>\\n'
    """
    return str(_markdown()(text))


def inline_html(text: str) -> str:
    """Turn one sentence into HTML: emphasis and code only, whatever the sentence begins with.

    >>> inline_html("1. The **top** <b>tenth</b>")
    '1. The <strong>top</strong> &lt;b&gt;tenth&lt;/b&gt;'
    """
    import mistune

    parser = _markdown()
    state = mistune.BlockState()
    return str(parser.renderer(parser.inline(unbroken(" ".join(text.split())), state.env), state))


def unbroken(text: str) -> str:
    """Keep a number and its unit on one line."""
    return re.sub(
        r"(?<=\d) (?=%|million\b|billion\b)|(?<=\b[A-Z]{3}) (?=-?\d)|(?<=\b[np]) (?== [\d.])|(?<=\b[np] =) (?=[\d.])",
        NO_BREAK,
        text,
    )


def cell_html(text: str) -> str:
    """Turn a number's cell into HTML: the interval stands small under its value.

    >>> cell_html("EUR 10 (EUR 9 to EUR 11)").replace(NO_BREAK, " ")
    'EUR 10<br><small>EUR 9 to EUR 11</small>'
    """
    value, _, rest = unbroken(escape(text)).partition(" (")
    return f"{value}<br><small>{rest.removesuffix(')')}</small>" if rest else value


def code_html(source: str) -> str:
    """Highlight Python without scripts or inline styles."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return str(highlight(source, PythonLexer(stripall=True), HtmlFormatter(nowrap=True)))


class _Plain(HTMLParser):
    """Keeps the structure of a table or a text, and nothing that can act or load."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.headers: list[str] = []
        self._dropping = 0
        self._header = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED_WITH_TEXT:
            self._dropping += 1
        elif not self._dropping and tag in _KEPT_TAGS:
            kept = "".join(f' {k}="{escape(v or "")}"' for k, v in attrs if k in _KEPT_ATTRIBUTES)
            self.parts.append(f"<{tag}{kept}>")
            self._header = tag == "th"

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED_WITH_TEXT:
            self._dropping = max(0, self._dropping - 1)
        elif not self._dropping and tag in _KEPT_TAGS and tag not in ("br", "hr"):
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            if self._header and data.strip():
                self.headers.append(data.strip())
            self.parts.append(escape(data))


def plain_table_html(html: str) -> tuple[str, list[str]]:
    """Reduce what a notebook displayed to structure and text.

    Returns
    -------
    (html, headers)
        Harmless HTML, and the texts of its header cells.

    >>> plain_table_html('<div onclick="x()"><table class="c"><tr><th>n</th></tr></table><script>x</script></div>')
    ('<table><tr><th>n</th></tr></table>', ['n'])

    The empty corner of a frame heads nothing:

    >>> plain_table_html("<table><tr><th></th><th>n</th></tr></table>")[0]
    '<table><tr><td></td><th>n</th></tr></table>'
    """
    reader = _Plain()
    reader.feed(html)
    reader.close()
    return re.sub(r"<th( [^>]*)?></th>", r"<td\1></td>", "".join(reader.parts).strip()), reader.headers
