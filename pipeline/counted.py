"""Say a number with its noun."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun in the singular or plural, with commas between thousands.

    Args:
        plural: the plural of a noun that takes no -s.

    >>> counted(1, "shard"), counted(0, "shard"), counted(2000, "row"), counted(2, "file was", "files were")
    ('1 shard', '0 shards', '2,000 rows', '2 files were')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
