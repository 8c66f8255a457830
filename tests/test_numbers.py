"""A number of a table becomes its digits, the shortest text that reads as it, or a bad row."""

from decimal import Decimal

import pytest

from pipeline.records import Reason, Rejected
from sources.metadata.numbers import Float16, Float32, number_text


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (101.0, "101"),
        (-3.0, "-3"),
        (1.5, "1.5"),
        (0.1, "0.1"),
        (float("nan"), ""),
        (2.0**53 - 1, "9007199254740991"),
        (Float32(0.10000000149011612), "0.1"),
        (Float32(16777215.0), "16777215"),
        (Float32(0.3333333432674408), "0.33333334"),
        (Float16(0.0999755859375), "0.1"),
        (Float16(2047.0), "2047"),
        (Decimal("1e20"), "100000000000000000000"),
        (Decimal("1.500"), "1.5"),
        (Decimal("10.0"), "10"),
        (Decimal("100"), "100"),
        (Decimal("0.250"), "0.25"),
        (Decimal("NaN"), ""),
        (Decimal("1e400"), "1" + "0" * 400),
    ],
)
def test_a_number_is_the_shortest_text_that_reads_as_it(cell, text):
    assert number_text(cell, "id") == text


@pytest.mark.parametrize(
    ("cell", "detail"),
    [
        (float("inf"), "id is infinite, and a text is needed"),
        (2.0**53, "id = 9.0072e+15 has lost digits, since the table stores it as a float; store integers or texts"),
        (-(2.0**53), "id = -9.0072e+15 has lost digits, since the table stores it as a float; store integers or texts"),
        (Float32(2.0**24), "id = 1.67772e+07 has lost digits, since the table stores it as a float; store integers or texts"),
        (Float16(2048.0), "id = 2048 has lost digits, since the table stores it as a float; store integers or texts"),
        (Decimal("Infinity"), "id is a number of more than 400 digits"),
        (Decimal("1e401"), "id is a number of more than 400 digits"),
        (Decimal("1e-401"), "id is a number of more than 400 digits"),
    ],
)
def test_a_number_without_exact_digits_is_a_bad_row(cell, detail):
    with pytest.raises(Rejected) as caught:
        number_text(cell, "id")
    assert (caught.value.reason, caught.value.detail) == (Reason.BAD_ROW, detail)
