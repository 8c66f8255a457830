"""Turn file names of sound-effect libraries into words for a caption: leave out what names the library, the format or the take."""

from __future__ import annotations

import re
from collections.abc import Sequence

from augment.prose import file_name_to_text

UCS_CATEGORY = re.compile(r"[A-Z]{2,4}[A-Z][a-z]{1,5}(?:-\w+)*")
"""The category that names of the Universal Category System begin with, such as "DOORWood": CatID_FXName_Creator_Library."""
UCS_FIELDS = 3  # at least: a shorter name may be anything
_START, _END = r"(?<![^\W_])", r"(?![^\W_])"  # of a word; `_` is no letter of one
_FORMAT = re.compile(
    rf"{_START}(?:\d+(?:[.,]\d+)?[ _-]?k(?:hz)?[ _-]?)?\d{{2}}[ _-]?bits?{_END}"
    rf"|{_START}\d+(?:[.,]\d+)?[ _-]?k(?:hz)?(?:[ _-]?\d{{2}}[ _-]?bits?)?{_END}"
    rf"|{_START}(?:stereo|mono|ortf|lcr|vol(?:ume)?[ ._-]?\d+|mkh[ _-]?\d+\w*|lossless|remaster(?:ed)?|master(?:ed)?){_END}",
    re.IGNORECASE,
)
_FORMAT_CODE = re.compile(rf"{_START}(?:ST|MS|XY|AB|GDC(?:[ _-]?\d+)?|FX|SFX|EFX){_END}")
_CAPITALS_FIRST = re.compile(r"[A-Z0-9&,. ]+\s-\s+(?=.*[a-z])")  # "BLASTWAVEFX - ", "CRASH,GLASS - "
_CAPITALS_JOINED = re.compile(r"(?<=[A-Z]{3})-(?=[A-Z][a-z])")
_TAKE = re.compile(r"(?<=\d)[ _-]*[A-Z]$")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{2,4}$")
_SIDES = ((re.compile(rf"{_START}(?:INT|Int){_END}"), "interior"), (re.compile(rf"{_START}(?:EXT|Ext){_END}"), "exterior"))


def library_name_to_text(name: str, vendors: Sequence[str] = ()) -> str:
    """Return the words of a file name of a library, with a capital at the beginning; empty when it has no words.

    Args:
        vendors: names and codes of the library, which say nothing about the sound; case does not count.

    >>> library_name_to_text("DOORWood_Old Door Creaks Open_JD_HouseLib.wav"), library_name_to_text("BB01_DoorOpen-02.wav")
    ('Old door creaks open', 'Door open')
    >>> library_name_to_text("WSE_Metal_Impact_96kHz_24bit_012.wav", ("WSE",)), library_name_to_text("WSE_0012.wav", ("WSE",))
    ('Metal impact', '')
    """
    stem = re.split(r"[/\\]", name)[-1]
    fields = stem.split("_")
    if len(fields) >= UCS_FIELDS and UCS_CATEGORY.fullmatch(fields[0]) and (text := _words(fields[1], vendors)):
        return text
    return _words(stem, vendors)


def _words(text: str, vendors: Sequence[str]) -> str:
    """Return the words that are left without vendors, formats and takes."""
    if vendors:
        text = re.sub(rf"{_START}(?:{'|'.join(map(_spaced, vendors))}){_END}", "_", text, flags=re.IGNORECASE)
    text = _CAPITALS_JOINED.sub("_", _CAPITALS_FIRST.sub("", text.strip(), count=1))
    text = _TAKE.sub("", _FORMAT_CODE.sub("_", _FORMAT.sub("_", _EXTENSION.sub("", text))))  # `_`, since a blank makes `-` a part of words
    for side, word in _SIDES:
        text = side.sub(word, text)
    return file_name_to_text(text.strip(" -_,"))


def _spaced(vendor: str) -> str:
    """Return a pattern of a vendor's name, in which `_` and `-` may stand for blanks."""
    return r"[ _-]*".join(map(re.escape, vendor.split()))
