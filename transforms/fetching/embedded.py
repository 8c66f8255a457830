"""Fetch recordings whose bytes are in a parquet table: addresses `parquet:TABLE#COLUMN/ROW/HASH`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.records import Clip, Reason, Recording, Rejected
from sources.metadata.embedded import SCHEME, EmbeddedAddress
from sources.metadata.store_files import local_copy
from transforms.fetching.local import MAX_NAME_SHOWN, local_recording


@dataclass(frozen=True, slots=True)
class EmbeddedHandler:
    """Fetches recordings from the tables that list them. `base` is the folder that relative paths start from: the recipe's."""

    base: Path

    def matches(self, clip: Clip) -> bool:
        """Return whether the address names a row of a parquet table."""
        return clip.url.startswith(SCHEME)

    def fetch(self, clip: Clip, work: Path) -> Recording:
        """Return a copy of the recording below `work`. Of the table, only the row group with the row is read.

        Raises:
            Rejected: `not_found` where the row is missing or holds another recording than when the table was planned;
                `corrupt` where the table cannot be read.
        """
        from sources.metadata.parquet_rows import recording  # slow to import, and most sets need no table

        address, name = self._address(clip), self.local_file(clip).name[:MAX_NAME_SHOWN]
        if not self.local_file(clip).is_file():
            raise Rejected(Reason.NOT_FOUND, f"no table {name!r}")
        try:
            data = recording(self.local_file(clip), address.column, address.row)
        except ValueError as error:
            raise Rejected(Reason.CORRUPT, f"row {address.row} of {name!r} cannot be read: {error}") from error
        if data is None:
            raise Rejected(Reason.NOT_FOUND, f"row {address.row} of {name!r} holds no recording")
        copy = work / "embedded"
        try:
            copy.write_bytes(data)
            fetched = local_recording(copy)
            if not (fetched.provenance.sha256 or "").startswith(address.digits):
                raise Rejected(Reason.NOT_FOUND, f"row {address.row} of {name!r} holds another recording than when it was planned")
        except Rejected:
            copy.unlink(missing_ok=True)
            raise
        return fetched

    def local_file(self, clip: Clip) -> Path:
        """Return the table."""
        return local_copy(self.base, self._address(clip).table)

    def _address(self, clip: Clip) -> EmbeddedAddress:
        address = EmbeddedAddress.parse(clip.url)
        if address is None:
            raise Rejected(Reason.NOT_FOUND, f"{clip.url[:MAX_NAME_SHOWN]!r} names no row of a table")
        return address
