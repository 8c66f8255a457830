"""Read an HTML page as a browser does, as far as tests need it: elements with their attributes, and the text in them."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset({"meta", "img"})
"""Elements without an end, of those that the page has; those of SVG are closed by themselves."""


class Page(HTMLParser):
    """A page that was read.

    Attributes:
        elements: (name, attributes) of each, in order.
        texts: the text in each element, with the name of the element.
    """

    def __init__(self, page: bytes):
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(page.decode())
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len({name for name, _ in attrs}), f"<{tag}> has an attribute twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def named(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of a name."""
        return [attributes for tag, attributes in self.elements if tag == name]

    @property
    def text(self) -> str:
        """All text that is shown."""
        return " ".join(data for tag, data in self.texts if tag not in {"style", "title"})
