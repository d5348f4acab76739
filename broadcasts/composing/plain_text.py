"""The plain text of a message, for mail programs and readers that do not show HTML. Lines keep their length."""

import re
from html.parser import HTMLParser

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
BLOCKS = frozenset(
    (*HEADINGS, "p", "div", "ul", "ol", "dl", "dt", "dd", "blockquote", "pre", "table", "caption", "center")
)
UNDERLINES = {"h1": "=", "h2": "-"}


def to_plain_text(html: str, *, is_decorated: bool = True) -> str:
    """Headings underlined, lists with signs, links as `text (address)`, table cells apart by `|`.

    Not decorated: without the underlines, rules and addresses, for a line that only shows how it begins.
    """
    writer = _Writer(is_decorated=is_decorated)
    writer.feed(html)
    writer.close()
    return writer.text()


class _Writer(HTMLParser):
    def __init__(self, *, is_decorated: bool) -> None:
        super().__init__()
        self.is_decorated = is_decorated
        self.lines: list[str] = [""]
        self.numbers: list[int] = []  # one per open list; 0 for a list without numbers
        self.quotes = 0
        self.links: list[tuple[str, int, int]] = []  # address, and the line and column where its text began
        self.is_preformatted = False
        self.is_in_cell = False

    def text(self) -> str:
        text = "\n".join(line.rstrip() for line in self.lines)
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in ("ul", "ol"):
            self._open_list(tag, values.get("start", ""))
        elif tag == "blockquote":
            self._paragraph()
            self.quotes += 1
            self._line()
        elif tag in BLOCKS:
            self._paragraph()
            self.is_preformatted = tag == "pre"
        elif tag == "li":
            self._item()
        elif tag in ("br", "tr"):
            self._line()
        elif tag in ("td", "th"):
            self.lines[-1] += " | " if self._has_text() else ""
            self.is_in_cell = True
        elif tag == "hr":
            self._paragraph()
            self.lines[-1] += "-" * 20 if self.is_decorated else ""
            self._paragraph()
        elif tag == "a":
            self.links.append((values.get("href", ""), len(self.lines) - 1, len(self.lines[-1])))
        elif tag == "img" and values.get("alt", "").strip():
            self.lines[-1] += f"[{values['alt'].strip()}]"

    def handle_endtag(self, tag: str) -> None:
        if self.is_decorated and tag in UNDERLINES and self._has_text():
            self.lines.append(UNDERLINES[tag] * min(len(self.lines[-1].strip()), 60))
        if tag in ("ul", "ol") and self.numbers:
            self.numbers.pop()
            self._line() if self.numbers else self._paragraph()
        elif tag == "blockquote":
            while len(self.lines) > 1 and not self._has_text():
                self.lines.pop()
            self.quotes = max(0, self.quotes - 1)
            self._paragraph()
        elif tag in BLOCKS:
            self.is_preformatted = False
            self._paragraph()
        elif tag in ("td", "th"):
            self.is_in_cell = False
        elif tag == "a" and self.links:
            self._close_link(*self.links.pop())

    def handle_data(self, data: str) -> None:
        if self.is_preformatted:
            first, *others = data.split("\n")
            self.lines[-1] += first
            self.lines += others
            return
        text = re.sub(r"\s+", " ", data)
        if not self._has_text() or self.lines[-1].endswith(" "):
            text = text.lstrip(" ")
        self.lines[-1] += text

    def _close_link(self, href: str, line: int, column: int) -> None:
        # The line in which it began may be gone: the empty ones at the end of a quotation are.
        first = self.lines[line][column:] if line < len(self.lines) else ""
        text = " ".join([first, *self.lines[line + 1 :]]).strip()
        shown = href.removeprefix("mailto:").removeprefix("tel:")
        if self.is_decorated and shown and shown.rstrip("/") != text.rstrip("/"):
            self.lines[-1] = f"{self.lines[-1].rstrip()} ({shown})".lstrip()

    def _has_text(self) -> bool:
        return bool(self.lines[-1].strip("> "))

    def _line(self) -> None:
        """Begin a new line unless the last one is still empty."""
        start = "> " * self.quotes
        if self._has_text():
            self.lines.append(start)
        else:
            self.lines[-1] = start

    def _paragraph(self) -> None:
        """Begin a new line after an empty one; in a list without it; behind a list's sign and in a cell go on."""
        if self.is_in_cell or (self.numbers and re.search(r"(-|\d\.) $", self.lines[-1])):
            return
        self._line()
        if not self.numbers and len(self.lines) > 1 and self.lines[-2].strip("> "):
            self.lines.append(self.lines[-1])

    def _open_list(self, tag: str, start: str) -> None:
        self._line() if self.numbers else self._paragraph()
        self.numbers.append((int(start) if start.isdecimal() else 1) if tag == "ol" else 0)

    def _item(self) -> None:
        self._line()
        if not self.numbers:
            self.numbers.append(0)
        sign = f"{self.numbers[-1]}. " if self.numbers[-1] else "- "
        self.numbers[-1] += bool(self.numbers[-1])
        self.lines[-1] += "  " * (len(self.numbers) - 1) + sign
