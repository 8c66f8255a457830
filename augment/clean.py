"""Clean text from web pages: remove markup, addresses and control characters, and normalise Unicode."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import partial

import ftfy
import nh3

MAX_CHARACTERS = 300  # of a caption; tokenizers of the text towers keep 77 tokens
MAX_RAW = 2000  # characters of raw text that are read; the caption is in the first few hundred
MIN_LETTERS = 2
ADDRESS = "\ue000"
"""Stands where an address was removed, for callers of `lines` that ask for it; texts cannot hold it."""
MAX_ROUNDS = 20  # of cleaning; no text is known that needs more than six

# Matches text that may need more than trimming. Most captions do not match, and are clean in a microsecond.
_SUSPECT = re.compile(
    r"[^A-Za-z0-9 .,;:!?()'\"/$%-]"
    r"|[.,;!?)( /A-Z-](?:(?<=[a-z][A-Z])[a-z]|(?<=\.)[A-Za-z]|(?<=[,;!?)])[A-Za-z]|(?<= )[ ,.;:!?)]|(?<=\() |(?<=/)/|(?<=[-.!?])[-.!?])"
)
_PLAIN = re.compile(r"[A-Za-z0-9][a-z0-9]*+(?:,? [A-Za-z0-9][a-z0-9]*+)*+\.?")
"""Words with single blanks between them, a comma before some, a full stop at the end: clean as it is, and found out faster."""
_NAME = re.compile(r"[A-Za-z0-9]++(?:(?:[_-]| (?:- )?+)[A-Za-z0-9]++)*+(?:\.(?:wav|WAV|mp3|aiff?|flac|ogg))?+")
"""Names of files, which are clean but for words that touch."""
_TWO_LETTERS = re.compile(r"[A-Za-z][^A-Za-z]*[A-Za-z]")
_BLOCK = re.compile(r"<\s*/?\s*(?:br|p|div|li|ul|ol|tr|td|h[1-6]|hr|blockquote)\b[^>]*>", re.IGNORECASE)
_LINK = re.compile(r"(?<=[\w.,;:!?)])<a\b[^<>]*>|</a\s*>(?=[\w(])", re.IGNORECASE)  # beside it, words touch: "see<a>here</a>for more"
_TAG = re.compile(r"</?[A-Za-z!][^<>]{0,500}>|<!--.*?-->", re.DOTALL)
_SIMPLE_TAG = re.compile(r"</?(?:a|b|i|u|em|strong|img|font|span)(?:\s+[a-z]+\s?=\s?(?:\"[^\"<>]*\"|'[^'<>]*'))*\s*/?>", re.IGNORECASE)
"""A tag that ends where it seems to: it needs no parser, which takes 100 times the time."""
_OPEN_TAG = re.compile(r"<(?:a|img|script|iframe|span|font)\b[^<>]*$", re.IGNORECASE)  # a tag without its end, at the end of the text
_BBCODE = re.compile(r"\[/?(?:url|b|i|u|img|quote|code|size|color|list|\*)(?:=[^\]]*)?\]", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(r"\[([^\][]+)\]\((?:https?:|www\.|/)[^)]*\)")
_UNWANTED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad"
    r"\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff\ue000-\uf8ff]"
    r"|[\u200c\u200d](?:(?<=[A-Za-z].)|(?=[A-Za-z]))"  # they join letters of other scripts
)
_RARE_BREAKS = re.compile(r"[\v\f\x1c-\x1f\x85\u2028\u2029]")  # control characters that are white space; one deleted would join two words
_BREAK_REFERENCE = re.compile(r"&#(?:0*(?:1[0-3]|2[89]|3[01])(?:;|(?!\d))|x0*(?:[a-d]|1[c-f])(?:;|(?![0-9a-f])))", re.IGNORECASE)
_UNBROKEN = re.compile(r"(?:[\x00-\x7f]++|[à-öø-ÿßœıăąćčďđęěğłńňőřśşšťůűźżž’‘“”–—](?=[\x00-\x7f]|\Z))*+")
"""Text without two characters in a row that are not ASCII. Broken Unicode has two or more, but for capitals with an accent."""
_STRAIGHT = str.maketrans("’‘“”", "''\"\"")
_EMAIL = re.compile(r"[\w.+-]+\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_DOMAINS = (
    "com|org|net|edu|gov|info|io|uk|de|fr|es|it|nl|be|at|ch|se|no|dk|fi|pl|pt|cz|ru|jp|cn|br|ca|au|nz|us|eu|tv|fm|me|ly|cc|xyz|app|dev|gl"
)
_PATH = r"[^\s()<>\[\]\"']*"
_WEB_ADDRESS = re.compile(rf"https?://{_PATH}")
"""Most addresses; they are found in a tenth of the time that the others take."""
_ADDRESS = re.compile(
    rf"(?:https?|ftp)\s?:?\s?//{_PATH}|https?:{_PATH}|www\.{_PATH}|\b(?:[a-z0-9-]+\.)+(?:{_DOMAINS})/{_PATH}"
    rf"|(?<![\w.-])[\w.-]*\.(?:com|org|net|edu|info|co\.uk)\b(?:/{_PATH})?",
    re.IGNORECASE,
)
_DOMAIN = re.compile(rf"\.(?:(?:{_DOMAINS})\b|www)", re.IGNORECASE)
"""A domain, `//`, `www.` or `http` is in every text that holds an address; they are found faster than the address."""
_STARTERS = frozenset({
    "Recorded", "Recording", "Recorder", "Stereo", "Mono", "This", "The", "Made", "Created", "Edited", "Please", "Thanks", "Microphone",
    "Microphones", "Mic", "Mics", "Location", "Model", "Free", "Want", "Date", "Format",
})  # fmt: skip
_RUN_ON = re.compile(r"[A-Z](?<=[a-z0-9][A-Z])[a-z]+\b")
_GLUED = re.compile(r"[.!?,;)](?=[A-Za-z])(?:(?<=[a-z)\]0-9][.!?])(?=[A-Z][a-z']|[A-Z] )|(?<=[a-z][,;!?)]))")
_SPACES = "\t\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_TIDY = (
    ("([{<", re.compile(r"[(\[{<]\s*[-.,:;/\s]*[)\]}>]"), " "),  # brackets that are empty, because an address was removed
    ("-=*~_#+|", re.compile(r"[-=*~_#+|][-=*~_#+| ]*[-=*~_#+|]{2,}[-=*~_#+| ]*"), " "),  # lines drawn with characters
    ("&", re.compile(r"&(#?\w+);"), r"&\1"),  # looks like an entity, but is none
    ("!?", re.compile(r"([!?])[!?]+"), r"\1"),
    (("..", "…"), re.compile(r"\.{2,}|…"), "... "),
    (("  ", *_SPACES), re.compile(r"[^\S ]\s*| \s+"), " "),
    ((" ,", " .", " ;", " :", " !", " ?", " )", " ]"), re.compile(r" +([,.;:!?)\]])(?![\w.])"), r"\1"),
    (("( ", "[ "), re.compile(r"([(\[]) +"), r"\1"),
)
"""Texts of which one is in every line that a pattern changes; the pattern; what is written instead."""
_MAY_BE_TIDIED = re.compile(
    r"[-(\[{<&…=*~_#+|!?.,;:)\]\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]"
    r"(?:(?<=[^-=*~_#+|!?.,;:)\]])|(?<= [,.;:!?)\]])|(?<=[-=*~_#+|]{2})|(?<=[!?]{2})|(?<=\.\.))"
)
"""One of these, or two blanks, are in every line that one of `_TIDY` changes; most lines have none."""
_OPEN_END = ":;,([{/|<-"
"""Marks that stand at the end of a line only where what followed them was removed."""


def clean_text(raw: str) -> str:
    """Return text as one line of at most `MAX_CHARACTERS`, in Unicode form NFC; empty when fewer than two letters are left.

    Clean text stays as it is: `clean_text(clean_text(raw)) == clean_text(raw)`.

    >>> clean_text('Rain &amp; wind<br>on a <b>roof</b>, see <a href="http://example.org/x">http://example.org/x</a>')
    'Rain & wind on a roof, see'
    >>> clean_text("38.")
    ''
    """
    if len(raw) <= MAX_CHARACTERS and _PLAIN.fullmatch(raw):
        return raw if has_letters(raw) else ""
    if not _SUSPECT.search(raw):
        return cut(raw.strip())
    text = cut(" ".join(lines(raw)))
    for _ in range(MAX_ROUNDS):
        before = text
        if _SUSPECT.search(text):
            text = cut(" ".join(lines(text)))
        if text == before:
            break
    return text


def lines(raw: str, address: str = " ") -> list[str]:
    """Return the clean lines of a text that are not empty, with `address` in place of every address.

    A line that begins with a small letter is joined to the line before, unless that line ends a sentence.

    >>> lines("A dog barks\\r\\nin the yard.\\nZoom H4n")
    ['A dog barks in the yard.', 'Zoom H4n']
    """
    if _PLAIN.fullmatch(raw):
        return [raw]
    if _NAME.fullmatch(raw):
        return [_RUN_ON.sub(_new_sentence, raw)]
    if not _SUSPECT.search(raw):
        return [stripped] if (stripped := raw.strip()) else []
    text = _repaired(_RARE_BREAKS.sub("\n", raw[:MAX_RAW]))
    text = _without_addresses(_without_markup(_UNWANTED.sub("", text)), address)
    clean: list[str] = []
    for line in filter(None, map(_tidied, text.splitlines())):
        if clean and line[0].islower() and clean[-1][-1] not in ".!?":
            clean[-1] += " " + line
        else:
            clean.append(line)
    return clean


def cut(text: str) -> str:
    """Return text cut after the last complete word within `MAX_CHARACTERS`; empty when it has fewer than two letters.

    A single word that is longer than the limit is cut inside.
    """
    if len(text) > MAX_CHARACTERS:
        text = text[: MAX_CHARACTERS + 1].rpartition(" ")[0] or text[:MAX_CHARACTERS]
        text = text.rstrip(" -(")
    text = text.rstrip(" ,;:")
    return text if has_letters(text) else ""


def has_letters(text: str) -> bool:
    """Return whether a text has at least `MIN_LETTERS` letters."""
    return _TWO_LETTERS.search(text) is not None or sum(map(str.isalpha, text)) >= MIN_LETTERS


def _repaired(text: str) -> str:
    """Return text with broken Unicode repaired, in form NFC, with straight quotes."""
    if text.isascii():
        return text
    text = _UNWANTED.sub("", text)
    if _UNBROKEN.fullmatch(text):  # ftfy takes 100 times the time to find that out
        return text.translate(_STRAIGHT)
    return ftfy.fix_text(text, unescape_html=False, normalization="NFC")


def _without_markup(text: str) -> str:
    """Return text without tags and entities, also when they are escaped up to three times."""
    for _ in range(3):
        before = text
        if "<" in text:
            text = _SIMPLE_TAG.sub("", _LINK.sub(" ", _BLOCK.sub("\n", text)))
            text = nh3.clean(text, tags=set(), link_rel=None) if "<" in text and _TAG.search(text) else text
            text = _OPEN_TAG.sub("", text)
        if "&" in text:
            text = html.unescape(_BREAK_REFERENCE.sub("\n", text))
        if text == before:
            break
    text = _TAG.sub(" ", text)
    if "[" in text:
        text = _MARKDOWN_LINK.sub(r"\1", _BBCODE.sub(" ", text))
    return unicodedata.normalize("NFC", _UNWANTED.sub("", text))


def _without_addresses(text: str, address: str) -> str:
    """Return text with `address` in place of web addresses and e-mail addresses, and the marks that end the sentence around them."""
    if "@" in text or "at)" in text or "at]" in text:
        text = _EMAIL.sub(address, text)
    lowered = text.lower()
    if "//" not in text and "http" not in lowered and "www." not in lowered and _DOMAIN.search(text) is None:
        return text
    if "http" in text:
        text = _WEB_ADDRESS.sub(partial(_replaced, address), text)
    return _ADDRESS.sub(partial(_replaced, address), text) if "." in text or "//" in text else text


def _replaced(address: str, match: re.Match) -> str:
    return f" {address.strip()}{_final_punctuation(match[0])}"


def _final_punctuation(address: str) -> str:
    return address[len(address.rstrip(".,!?")) :]


def _tidied(line: str) -> str:
    """Return one line with single blanks, and with a blank between sentences whose line break was lost."""
    line = _RUN_ON.sub(_new_sentence, _GLUED.sub(r"\g<0> ", line))
    if "  " in line or _MAY_BE_TIDIED.search(line):
        for signs, pattern, replacement in _TIDY:
            if any(map(line.__contains__, signs)):
                line = pattern.sub(replacement, line)
    return _without_open_end(line).strip(" \t-_*=~|#•·>")


def _without_open_end(line: str) -> str:
    """Return a line without the marks that stand before its end, or before the marks that end its sentence.

    >>> _without_open_end("Rain, see: -."), _without_open_end("Rain.")
    ('Rain, see.', 'Rain.')
    """
    stem = line.rstrip(".!?")
    bare = stem.rstrip(_OPEN_END + " ")
    marks = stem[len(bare) :]
    blanks = marks[: len(marks) - len(marks.lstrip(" "))]
    return line if marks == blanks else bare + blanks + line[len(stem) :]


def _new_sentence(word: re.Match) -> str:
    """Return a word whose line break was lost ("at nightRecorded with") as the beginning of a sentence."""
    return f". {word[0]}" if word[0] in _STARTERS else word[0]
