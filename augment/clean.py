"""Raw text of the web -> one clean line: no markup, no addresses, no control characters, Unicode in one form."""

from __future__ import annotations

import html
import re
import unicodedata

import ftfy
import nh3

MAX_CHARACTERS = 300  # of a caption; tokenizers of the text towers keep 77 tokens
MAX_RAW = 2000  # characters of raw text that are looked at; the caption is in the first few hundred
MIN_LETTERS = 2

# Anything that more than trimming might be needed for. Most captions have none of it and are done in a microsecond.
_SUSPECT = re.compile(
    r"[^A-Za-z0-9 .,;:!?()'\"/$%-]"
    r"|[.,;!?)( /A-Z-](?:(?<=[a-z][A-Z])[a-z]|(?<=\.)[A-Za-z]|(?<=[,;!?)])[A-Za-z]|(?<= )[ ,.;:!?)]|(?<=\() |(?<=/)/|(?<=[-.!?])[-.!?])"
)
_BLOCK = re.compile(r"<\s*/?\s*(?:br|p|div|li|ul|ol|tr|td|h[1-6]|hr|blockquote)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z!][^<>]{0,500}>|<!--.*?-->", re.DOTALL)
_OPEN_TAG = re.compile(r"<(?:a|img|script|iframe|span|font)\b[^<>]*$", re.IGNORECASE)  # cut off in the middle
_BBCODE = re.compile(r"\[/?(?:url|b|i|u|img|quote|code|size|color|list|\*)(?:=[^\]]*)?\]", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(r"\[([^\][]+)\]\((?:https?:|www\.|/)[^)]*\)")
_UNWANTED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad"
    r"\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff\ue000-\uf8ff]"
)
_LINE_BREAKS = re.compile(r"[ \t]*[\r\n\v\f\x85\u2028\u2029]+[\s]*")
_EMAIL = re.compile(r"[\w.+-]+\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_DOMAINS = (
    "com|org|net|edu|gov|info|io|uk|de|fr|es|it|nl|be|at|ch|se|no|dk|fi|pl|pt|cz|ru|jp|cn|br|ca|au|nz|us|eu|tv|fm|me|ly|cc|xyz|app|dev|gl"
)
_PATH = r"[^\s()<>\[\]\"']*"
_ADDRESS = re.compile(
    rf"(?:https?|ftp)\s?:?\s?//{_PATH}|https?:{_PATH}|www\.{_PATH}|\b(?:[a-z0-9-]+\.)+(?:{_DOMAINS})/{_PATH}"
    rf"|(?<![\w.-])[\w.-]*\.(?:com|org|net|edu|info|co\.uk)\b(?:/{_PATH})?",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"\.[A-Za-z]|//|www|https?")
_STARTERS = frozenset({
    "Recorded", "Recording", "Recorder", "Stereo", "Mono", "This", "The", "Made", "Created", "Edited", "Please", "Thanks", "Microphone",
    "Microphones", "Mic", "Mics", "Location", "Model", "Free", "Want", "Date", "Format",
})  # fmt: skip
_RUN_ON = re.compile(r"[A-Z](?<=[a-z0-9][A-Z])[a-z]+\b")
_GLUED = re.compile(r"[.!?](?<=[a-z)\]0-9].)(?=[A-Z][a-z']|[A-Z] )|[,;!?)](?<=[a-z].)(?=[A-Za-z])")
_TIDY = (
    (re.compile(r"[(\[{<]\s*[-.,:;/\s]*[)\]}>]"), " "),  # brackets that held an address
    (re.compile(r"[-=*~_#+|][-=*~_#+| ]*[-=*~_#+|]{2,}[-=*~_#+| ]*"), " "),  # rules drawn with characters
    (re.compile(r"&(#?\w+);"), r"&\1"),  # no entity, but it looks like one
    (re.compile(r"([!?])[!?]+"), r"\1"),
    (re.compile(r"\.{2,}|…"), "... "),
    (re.compile(r"\s+"), " "),
    (re.compile(r" +([,.;:!?)\]])(?![\w.])"), r"\1"),
    (re.compile(r"([(\[]) +"), r"\1"),
    (re.compile(r"[:;,(\[{/|<-]+[:;,(\[{/|< -]*(?=[.!?]*$)"), ""),
)


def clean_text(raw: str) -> str:
    """Return text as one line of at most `MAX_CHARACTERS`, in NFC; empty when fewer than two letters are left.

    >>> clean_text('Rain &amp; wind<br>on a <b>roof</b>, see <a href="http://example.org/x">http://example.org/x</a>')
    'Rain & wind on a roof, see'
    >>> clean_text("38.")
    ''
    """
    text = " ".join(lines(raw))
    return cut(text)


def lines(raw: str) -> list[str]:
    """Return the lines of a text, each clean; a line that only goes on with the one before is joined to it.

    >>> lines("A dog barks\\r\\nin the yard.\\nZoom H4n")
    ['A dog barks in the yard.', 'Zoom H4n']
    """
    if not _SUSPECT.search(raw):
        return [stripped] if (stripped := raw.strip()) else []
    raw = raw[:MAX_RAW]
    text = raw if raw.isascii() else ftfy.fix_text(_UNWANTED.sub("", raw), unescape_html=False, normalization="NFC")
    text = _without_addresses(_without_markup(_UNWANTED.sub("", text)))
    found: list[str] = []
    for line in _LINE_BREAKS.split(text):
        tidy = _tidied(line)
        if found and tidy and tidy[0].islower() and found[-1][-1:] not in ".!?":
            found[-1] += " " + tidy
        elif tidy:
            found.append(tidy)
    return found


def cut(text: str) -> str:
    """Return text cut after the last whole word within the limit; empty when it has fewer than two letters."""
    if len(text) > MAX_CHARACTERS:
        text = text[: MAX_CHARACTERS + 1].rpartition(" ")[0] or text[:MAX_CHARACTERS]
        text = text.rstrip(" -(")
    text = text.rstrip(" ,;:")
    return text if has_letters(text) else ""


def has_letters(text: str) -> bool:
    """Whether a text has enough letters to say anything."""
    return sum(map(str.isalpha, text[:40])) >= MIN_LETTERS or sum(map(str.isalpha, text)) >= MIN_LETTERS


def _without_markup(text: str) -> str:
    """Return text without tags and entities, also where they were escaped more than once."""
    for _ in range(3):
        before = text
        if "<" in text:
            text = _BLOCK.sub("\n", text)
            text = nh3.clean(text, tags=set(), link_rel=None) if _TAG.search(text) else text
            text = _OPEN_TAG.sub("", text)
        if "&" in text:
            text = html.unescape(text)
        if text == before:
            break
    text = _TAG.sub(" ", text)
    return unicodedata.normalize("NFC", _UNWANTED.sub("", _MARKDOWN_LINK.sub(r"\1", _BBCODE.sub(" ", text))))


def _without_addresses(text: str) -> str:
    """Return text without web addresses and e-mail."""
    if "@" in text or "at)" in text or "at]" in text:
        text = _EMAIL.sub(" ", text)
    return _ADDRESS.sub(_punctuation, text) if _DOTTED.search(text) else text


def _punctuation(address: re.Match) -> str:
    """Return what stays of an address: the end of the sentence it stood in."""
    return " " + address[0][len(address[0].rstrip(".,!?")) :]


def _tidied(line: str) -> str:
    """Return one line with single blanks, and a blank between sentences that lost their line break."""
    line = _RUN_ON.sub(_new_sentence, _GLUED.sub(r"\g<0> ", line))
    for pattern, replacement in _TIDY:
        line = pattern.sub(replacement, line)
    return line.strip(" \t-_*=~|#•·>")


def _new_sentence(word: re.Match) -> str:
    """Return a word that lost its line break ("at nightRecorded with") as the beginning of a sentence."""
    return f". {word[0]}" if word[0] in _STARTERS else word[0]
