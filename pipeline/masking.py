"""Mask secrets in addresses and command lines, so that they are in nothing that is published: plan, books, samples, build.json."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

MASKED = "masked"
"""What stands in place of a secret."""

SECRET_NAME = re.compile(
    r"(?:.*[^a-z])?(?:"
    r"tokens?|signature|sig|hmac|digest|credentials?|password|passwd|passphrase|pwd|pass|pw|secret|auth|authorization|bearer|jwt|cookie"
    r"|sessions?(?:[^a-z]?id)?|sid|(?:access|api|auth|private|account|shared|secret)[^a-z]?key(?:[^a-z]?id)?|subscription-key"
    r"|awsaccesskeyid|googleaccessid|key-pair-id|policy|hdnts|hdnea"
    r")(?:[^a-z].*)?"
)
"""Names of parameters and options with secret values, in lower case and with `_` as `-`: of signed addresses, API keys and log-ins."""
GLUED_NAME = re.compile(r".*(?:token|password|passwd|secret|apikey|accesskey|signature|credential)s?")
LONG_KEY = 24
"""Characters: a parameter `key` of this length or more is taken for a key of an API; a shorter one may name a file."""

_USER = re.compile(r"(?<=//)[^/?#\s]*@")
_PARAMETER = re.compile(r"(?<=[?&;#])([^=&;#\s]+)=([^&;#\s]*)")


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
    return _mask(url) if "://" in url[:MAX_SCHEME] or url.startswith("//") else url


MAX_SCHEME = 40  # characters of an address in which its scheme ends


def is_masked(url: str) -> bool:
    """Return whether a value of an address was masked, so that the address alone does not lead to the recording."""
    return any(value == MASKED for _, value in _PARAMETER.findall(url))


def mask_text(text: str) -> str:
    """Return a text in which every address is masked as by `mask_address`.

    >>> mask_text("redirected to https://a.org/?sig=1 and lost")
    'redirected to https://a.org/?sig=masked and lost'
    """
    return re.sub(r"\b[A-Za-z][A-Za-z0-9+.-]*://\S+", lambda match: _mask(match[0]), text) if "://" in text else text


def mask_command(arguments: Iterable[str]) -> list[str]:
    """Return a command line in which the values of secret options, and the secrets of addresses, are masked.

    >>> mask_command(["build", "--s3_secret_access_key=abc", "--token", "t", "--output", "s3://user:pw@bucket/set"])
    ['build', '--s3_secret_access_key=masked', '--token', 'masked', '--output', 's3://bucket/set']
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
            masked.append(mask_text(argument))
        hide_next = is_secret and not equals
    return masked


def _mask(address: str) -> str:
    return _PARAMETER.sub(_masked_parameter, _USER.sub("", address))


def _masked_parameter(match: re.Match[str]) -> str:
    name, value = match.groups()
    is_secret = is_secret_name(name) or (name.lower() == "key" and len(value) >= LONG_KEY)
    return f"{name}={MASKED}" if is_secret and value else match[0]
