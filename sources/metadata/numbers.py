"""Write numbers of tables as text: exactly, or not at all."""

from __future__ import annotations

import math
import struct
from decimal import Decimal

from pipeline.records import Reason, Rejected

EXACT = 2**53  # below it, every integer is a 64-bit float
MAX_DIGITS = 400


class Float32(float):
    """A number of a column of 32-bit floats. Below `exact`, every integer is such a float."""

    exact = 2**24
    code = "f"  # of the module struct

    def shortest(self) -> str:
        """Return the shortest text that reads as this number."""
        texts = (format(float(self), f".{n}g") for n in range(1, 18))
        return next(text for text in texts if struct.unpack(self.code, struct.pack(self.code, float(text)))[0] == float(self))


class Float16(Float32):
    """A number of a column of 16-bit floats."""

    exact = 2**11
    code = "e"


def number_text(cell: float | Decimal, column: str) -> str:
    """Return a number as text: its digits when it is an integer, otherwise the shortest text that reads as this number; NaN is no text.

    Raises:
        Rejected: `bad_row` for an infinite number, and for a float so large that it may stand for several integers.

    >>> number_text(101.0, "id"), number_text(1.5, "id"), number_text(Decimal("1e20"), "id")
    ('101', '1.5', '100000000000000000000')
    """
    if isinstance(cell, Decimal):
        return _decimal(cell, column)
    if math.isnan(cell):
        return ""
    if math.isinf(cell):
        raise Rejected(Reason.BAD_ROW, f"{column} is infinite, and a text is needed")
    if abs(cell) >= getattr(cell, "exact", EXACT):
        message = f"{column} = {float(cell):g} has lost digits, since the table stores it as a float; store integers or texts"
        raise Rejected(Reason.BAD_ROW, message)
    if cell.is_integer():
        return str(int(cell))
    return cell.shortest() if isinstance(cell, Float32) else repr(cell)


def _decimal(cell: Decimal, column: str) -> str:
    if cell.is_nan():
        return ""
    if cell.is_infinite() or abs(cell.adjusted()) > MAX_DIGITS:
        raise Rejected(Reason.BAD_ROW, f"{column} is a number of more than {MAX_DIGITS} digits")
    text = format(cell, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
