"""Mask secrets in addresses and command lines, so that they are in nothing that is published: plan, books, samples, build.json."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

MASKED = "masked"
"""What stands in place of a secret."""

SECRET_NAME = re.compile(
    r"(?:.*[^a-z])?(?:"
    r"tokens?|signature|sig|hmac|digest|credentials?|password|passwd|passphrase|pwd|pass|pw|secret|auth|authorization|bearer|jwt|cookie"
    r"|sessions?(?:[^a-z]?id)?|sid|(?:access|api|app|auth|client|licen[cs]e|pass|private|account|shared|secret|user)[^a-z]?key(?:[^a-z]?id)?"
    r"|subscription-key|awsaccesskeyid|googleaccessid|key-pair-id|policy|hdnts|hdnea|md5|hash|ticket|otp|nonce|oauth|cred|creds"
    r")(?:[^a-z].*)?"
)
"""Names of parameters and options with secret values, in lower case and with `_` as `-`: of signed addresses, API keys and log-ins."""
GLUED_NAME = re.compile(r".*(?:token|password|passwd|secret|apikey|accesskey|signature|credential|sess(?:ion)?id)s?|hmac.*")
LONG_KEY = 24
"""Characters: a parameter `key` of this length or more is taken for a key of an API; a shorter one may name a file."""

MAX_SCHEME = 40  # characters of an address in which its scheme ends
DEPTH = 3  # addresses in the parameters of addresses

_ADDRESS = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]+:)?[/\\]{2}|\s*[A-Za-z][A-Za-z0-9+.-]+:[/\\]")
_BARE = re.compile(r"(?:[^\s/?#@:\\]+:[^\s/?#@\\]+@)?[\w-]+(?:\.[\w-]+)+(?::\d+)?/(?:[^?]*\?)?")
"""What begins an address without a scheme: `user:password@host`, or a host with a dot, a path and a query."""
_USER = re.compile(
    r"(?<=[/\\]{2})[^/?#\s]*@|(?:(?<=[/\\]{2})|(?<=[a-z]:[/\\])|^)(?![A-Za-z][A-Za-z0-9+.-]*:[/\\])[^/?#\s:@\[\\]*:(?!\d*(?:[/?#]|$))[^@]*@"
)
"""User and password, also where a password has characters that an address may not have."""
_PARAMETER = re.compile(r"(?<=[?&;#,])([^=&;#,?]+)(=|%3[Dd])([^&;#]*)")
_COLON = re.compile(r"(?<=[?&;#,])([^=&;#,?:/]+)(:)([^&;#]*)")
_VALUE = re.compile(r"""([\w-]+)(["']?\s*[=:]\s*)("[^"]*"|'[^']*'|(?:Bearer|Basic|Token|Digest) \S+|[^\s,;"']+)""")
"""A name with a value inside of an argument: of an environment, of JSON, of a header."""
_MAY_HOLD = re.compile(r"[@=?&;#,]")
"""One of these is in every address that is masked: what all patterns below `_BARE` look for. Most rows of a table have none."""
_SEGMENT = re.compile(r"(?<=/)([^=/?&;#]+)(=)([^/?&;#]*)")


def may_hold_secret(*texts: str | None) -> bool:
    """Return whether one of some texts may change when it is masked: one look for all of them, for millions of rows.

    >>> may_hold_secret("https://youtu.be/dQw4w9WgXcQ", None), may_hold_secret("a.wav", "https://example.org/?sig=1")
    (False, True)
    """
    return _MAY_HOLD.search("\n".join(filter(None, texts))) is not None


def is_secret_name(name: str) -> bool:
    """Return whether a parameter or an option of this name holds a secret.

    >>> [is_secret_name(name) for name in ("X-Amz-Signature", "access_token", "authToken", "s3_secret_access_key", "author")]
    [True, True, True, True, False]
    """
    plain = unquote(name).lower().replace("_", "-").strip("-")
    return bool(SECRET_NAME.fullmatch(plain) or GLUED_NAME.fullmatch(plain))


def mask_address(url: str) -> str:
    """Return an address without user and password, and with the values of secret parameters masked; a path stays as it is.

    >>> mask_address("https://me:pw@example.org/a.mp3?id=7&token=abc#t=4")
    'https://example.org/a.mp3?id=7&token=masked#t=4'
    >>> mask_address("recordings/a@b?token=1.wav")
    'recordings/a@b?token=1.wav'
    """
    if not _MAY_HOLD.search(url):
        return url
    return _mask(url) if _ADDRESS.match(url) or "://" in url[:MAX_SCHEME] or _BARE.match(url) else url


def is_masked(url: str) -> bool:
    """Return whether a value of an address was masked, so that the address alone does not lead to the recording."""
    value = re.compile(rf"(?<=[=])(?:{MASKED})(?![\w-])|(?<=%3D)(?:{MASKED})(?![\w-])")
    return bool(value.search(url)) and mask_address(value.sub("x" * LONG_KEY, url)) == url


def mask_text(text: str) -> str:
    """Return a text in which every address is masked as by `mask_address`, and secret parameters of names of files too.

    >>> mask_text("redirected to https://a.org/?sig=1 and lost")
    'redirected to https://a.org/?sig=masked and lost'
    """
    if not _MAY_HOLD.search(text):
        return text
    masked = re.sub(r"\b[A-Za-z][A-Za-z0-9+.-]*:[/\\]\S+|(?<!\S)//\S+", lambda match: _mask(match[0]), text)
    return re.sub(r"(?<=[?&])([^=&;#,?\s]+)=([^&;#\s'\"]+)", _masked_parameter, masked)


def mask_command(arguments: Iterable[str]) -> list[str]:
    """Return a command line in which the values of secret options, and the secrets of addresses, are masked.

    >>> mask_command(["build", "--s3_secret_access_key=abc", "--token", "t", "--output", "s3://user:pw@bucket/set"])
    ['build', '--s3_secret_access_key=masked', '--token', 'masked', '--output', 's3://bucket/set']
    >>> mask_command(["--env", "AWS_SECRET_ACCESS_KEY=abc", '--storage={"token": "abc"}', "Authorization: Bearer abc"])
    ['--env', 'AWS_SECRET_ACCESS_KEY=masked', '--storage={"token": "masked"}', 'Authorization: masked']
    """
    masked: list[str] = []
    hide_next = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        is_secret = argument.startswith("-") and is_secret_name(name.lstrip("-"))
        if hide_next and not argument.startswith("--"):
            masked.append(MASKED)
        elif is_secret and equals:
            masked.append(f"{name}={MASKED}")
        else:
            masked.append(_VALUE.sub(_masked_value, mask_text(argument)))
        hide_next = is_secret and not equals
    return masked


def _masked_parameter(match: re.Match[str]) -> str:
    return f"{match[1]}={MASKED}" if is_secret_name(match[1]) else match[0]


def _masked_value(match: re.Match[str]) -> str:
    name, equals, value = match.groups()
    quoted = value[0] if value[0] in "\"'" else ""
    return f"{name}{equals}{quoted}{MASKED}{quoted}" if is_secret_name(name) else f"{name}{equals}{_VALUE.sub(_masked_value, value)}"


def _mask(address: str, depth: int = DEPTH) -> str:
    def masked(match: re.Match[str]) -> str:
        name, equals, value = match.groups()
        if value and (is_secret_name(name) or (name.lower() == "key" and len(value) >= LONG_KEY)):
            return f"{name}={MASKED}"
        if "," in value or "?" in value:  # more parameters, separated in another way
            value = _PARAMETER.sub(masked, value)
        if depth and "%" in value and (plain := unquote(value)) != (without := _mask(plain, depth - 1)):
            value = quote(without, safe="")
        return f"{name}{equals}{value}"

    address = _USER.sub("", address)
    for pattern in (_PARAMETER, _COLON, _SEGMENT):
        address = pattern.sub(masked, address)
    return address
