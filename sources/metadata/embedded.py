"""Name recordings whose bytes are in a parquet table: addresses `parquet:TABLE#COLUMN/ROW/HASH`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

SCHEME = "parquet:"
N_DIGITS = 16  # of the hash; enough to notice that a table was replaced between plan and build
ADDRESS = re.compile(rf"{SCHEME}(.+)#([^#/]+)/(\d{{1,18}})/([0-9a-f]{{{N_DIGITS}}})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Embedded:
    """A cell with a recording: its row (from 1), the SHA-256 of its bytes, and the file name that the table gives it, if any."""

    row: int
    sha256: str
    name: str


@dataclass(frozen=True, slots=True)
class EmbeddedAddress:
    """Where the bytes of a recording are: table (relative to the recipe), column, row (from 1), and the first digits of their SHA-256."""

    table: str
    column: str
    row: int
    digits: str

    @property
    def url(self) -> str:
        """The address as the plan holds it.

        >>> EmbeddedAddress("a.parquet", "audio", 12, "00ff00ff00ff00ff").url
        'parquet:a.parquet#audio/12/00ff00ff00ff00ff'
        """
        return f"{SCHEME}{self.table}#{quote(self.column, safe='')}/{self.row}/{self.digits}"

    @classmethod
    def parse(cls, url: str) -> EmbeddedAddress | None:
        """Return the parts of an address; `None` for any other text.

        >>> EmbeddedAddress.parse("parquet:a#b.parquet#audio/12/00ff00ff00ff00ff").table
        'a#b.parquet'
        """
        parts = ADDRESS.fullmatch(url)
        return cls(parts[1], unquote(parts[2]), int(parts[3]), parts[4]) if parts else None
