"""Read what an `audio_root` of a recipe may be beside a path: the address of an archive, of a folder in an object store, or `file://`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import url2pathname

from pipeline.masking import mask_address
from sources.metadata.store_files import STORES, address_of

ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
HTTP = frozenset({"http", "https"})
"""Schemes of archives that are fetched."""
ARCHIVE = re.compile(r"\.(?:zip|7z|tar|tgz|tbz2?|txz|tar\.(?:gz|bz2|xz|zst))$", re.IGNORECASE)
HASHES = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
"""Checksums that the fragment of an address may have -> their length in hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class ArchiveAddress:
    """The address of an archive: where it is fetched, and the checksum in its fragment, such as `#md5=9a0364b9e99bb480dd25e1f0284c8555`."""

    url: str
    checksum: tuple[str, str] | None = None

    @classmethod
    def parse(cls, text: str) -> ArchiveAddress:
        """Return an address as a recipe has it.

        Raises:
            ValueError: its fragment is no checksum.

        >>> ArchiveAddress.parse("https://example.org/dev.zip?download=1#md5=9A0364b9e99bb480dd25e1f0284c8555").checksum
        ('md5', '9a0364b9e99bb480dd25e1f0284c8555')
        """
        url, _, fragment = text.partition("#")
        if not fragment:
            return cls(url)
        for name, digits in parse_qsl(fragment.replace(":", "=", 1)):
            if name in HASHES and re.fullmatch(rf"[0-9a-fA-F]{{{HASHES[name]}}}", digits):
                return cls(url, (name, digits.lower()))
        allowed = ", ".join(f"#{name}= and {length} digits" for name, length in HASHES.items())
        raise ValueError(f"{fragment[:80]!r} is not a checksum, allowed: {allowed}")

    @property
    def name(self) -> str:
        """The file name of the archive, with characters that every disk can store."""
        try:
            parts = [unquote(part) for part in urlsplit(self.url).path.split("/") if part]
        except ValueError:  # half an IPv6 address
            parts = []
        named = next((part for part in reversed(parts) if "." in part), "archive")
        return re.sub(r"[^A-Za-z0-9._-]", "_", named).lstrip(".")[-100:] or "archive"


def root_scheme(text: str) -> str | None:
    """Return the scheme of an `audio_root`; `None` for a path.

    >>> root_scheme("S3://bucket/recordings"), root_scheme("recordings.zip"), root_scheme("C:/recordings")
    ('s3', None, None)
    """
    matched = ADDRESS.match(text)
    return matched[1].lower() if matched else None


def is_on_disk(text: str) -> bool:
    """Return whether an `audio_root` is a path on the machine of the user, and not an address.

    >>> is_on_disk("recordings.zip"), is_on_disk("file:///data/sounds"), is_on_disk("gs://bucket/recordings")
    (True, True, False)
    """
    return root_scheme(text) in {None, "file"}


def is_archive(text: str) -> bool:
    """Return whether the address of an object is that of an archive, by its name.

    >>> is_archive("s3://bucket/dev.tar.gz#md5=0"), is_archive("s3://bucket/recordings")
    (True, False)
    """
    return ARCHIVE.search(text.partition("#")[0]) is not None


def local_root(text: str, base: Path) -> Path:
    """Return the path of an `audio_root` on this disk: relative to `base`, absolute, or as `file://`.

    Raises:
        ValueError: a `file://` address of another machine.

    >>> local_root("file:///data/my%20sounds", Path("/recipes")), local_root("sounds", Path("/recipes"))
    (PosixPath('/data/my sounds'), PosixPath('/recipes/sounds'))
    """
    if root_scheme(text) != "file":
        return base / text
    parts = urlsplit(text)
    if parts.netloc not in {"", "localhost"}:
        raise ValueError(f"{parts.netloc[:80]!r} is another machine: write file:///path")
    return Path(url2pathname(parts.path))


def root_fault(text: str, base: Path) -> str | None:
    """Return what is wrong with an `audio_root` of a recipe, as far as it can be seen without a network; `None` for nothing."""
    scheme = root_scheme(text)
    try:
        if scheme is None and address_of(base / text) is not None:
            return None  # in the store of the recipe; workers look for it there
        if scheme is None or scheme == "file":
            shown = str(base) if str(base).isprintable() else repr(str(base))
            return None if local_root(text, base).exists() else f"no such folder or archive below {shown}"
        if scheme not in HTTP | STORES:
            return f"{scheme}:// is not read, allowed: a path, or an address with {', '.join(sorted(HTTP | STORES | {'file'}))}"
        url = ArchiveAddress.parse(text).url
    except ValueError as error:
        return str(error)
    if mask_address(url) != url:
        return "its address holds a user, a password or a token, which would be in every row of the plan: download the archive yourself"
    return None
