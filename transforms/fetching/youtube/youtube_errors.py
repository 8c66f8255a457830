"""Say what an error of yt-dlp means for a clip. Its errors are only text, so a table of patterns gives the reasons."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yt_dlp.networking.exceptions import CertificateVerifyError, HTTPError, TransportError

from pipeline.records import Reason, Rejected
from transforms.fetching.addresses import without_secrets
from transforms.fetching.web.http_faults import MAX_WORDS

ABOUT_US = (
    (r"not a bot|captcha challenge|^please sign in\b", Reason.BOT_CHECK),
    (r"rate.limited by YouTube|content isn.?t available, try again later|too many requests", Reason.THROTTLED),
)
"""Pattern -> reason, of what a host says of us and not of the video. They are looked for first: YouTube puts "Video unavailable" before."""

ABOUT_THE_VIDEO = (
    (r"private video|video is private", Reason.FORBIDDEN),
    (r"confirm your age|age.restricted|inappropriate for some users", Reason.FORBIDDEN),
    (r"members.only|join this channel|channel.s members", Reason.FORBIDDEN),
    (r"requires payment|purchase|premium members|only available to music premium|registered users", Reason.FORBIDDEN),
    (r"(available|blocked|playback) .{0,30}\b(in|from) your (country|location|region)|geo.?restrict", Reason.FORBIDDEN),
    (r"DRM protected|protected by DRM", Reason.FORBIDDEN),
    (r"unsupported url scheme", Reason.UNSAFE_ADDRESS),
    (r"incomplete \w+ id|not a valid url|unsupported url|video (does not|doesn.t) exist", Reason.NOT_FOUND),
    (r"processing this video|check back later|page needs to be reloaded|an error occurred\. please try again", Reason.SERVER_ERROR),
    (r"requested format is not available|no video formats found|only images are available", Reason.SERVER_ERROR),
    (r"video( is)? (unavailable|not available)|no longer available|removed by the|has been removed|terminated", Reason.UNAVAILABLE),
    (r"copyright|blocked it|account .{0,40}closed|this video is not available", Reason.UNAVAILABLE),
    (r"live event (will begin|has ended)|premieres? (in|will)|live stream recording is not available|\boffline\b", Reason.UNAVAILABLE),
)
"""Pattern -> reason, of what a host says of a video. Without a format, yt-dlp may lack a JavaScript runtime, so that is tried again."""

BLAME = re.compile(r"; please report this issue on|\. Use --|\. ?See  ?https:|\. (?:Also )?see  ?https:|Use --cookies|\(caused by ")
"""Where yt-dlp begins to give advice for its command line."""
PREFIX = re.compile(r"^(?:\x1b\[[0-9;]*m|ERROR:|\s)+|^\[[\w:+]+\] (?:[\w.-]+: )?")
HTTP_STATUS = {404: Reason.NOT_FOUND, 410: Reason.NOT_FOUND, 429: Reason.THROTTLED, 403: Reason.THROTTLED}
"""403 is a reason to stop, too: YouTube answers so when the addresses that it gave to yt-dlp have expired, or are not for us."""


def rejection_of(error: Exception) -> Rejected:
    """Return the rejection that an error of yt-dlp means, with its text as the detail.

    What the table does not know is of the video where yt-dlp expected it, as the host's own words; else it is of yt-dlp, and transient.

    >>> print(rejection_of(Exception("ERROR: [youtube] abc: Sign in to confirm you’re not a bot. Use --cookies for it")))
    bot_check: Sign in to confirm you’re not a bot
    >>> print(rejection_of(Exception("ERROR: [youtube] abc: Private video. Sign in if you've been granted access to this video")))
    forbidden: Private video. Sign in if you've been granted access to this video
    """
    chain = list(_chain(error))
    rejected = next((link for link in chain if isinstance(link, Rejected)), None)
    if rejected is not None:
        return rejected
    detail = in_words(str(error))
    if (reason := _reason_in(detail, ABOUT_US)) is not None:
        return Rejected(reason, detail)
    for link in chain:
        if isinstance(link, HTTPError):
            return Rejected(_reason_of_status(link.status), f"HTTP {link.status}")
        if isinstance(link, TransportError):
            return _rejection_of_network(link)
    if (reason := _reason_in(detail, ABOUT_THE_VIDEO)) is not None:
        return Rejected(reason, detail)
    is_expected = any(getattr(link, "expected", False) for link in chain)
    return Rejected(Reason.UNAVAILABLE if is_expected else Reason.SERVER_ERROR, detail)


def in_words(message: str) -> str:
    """Return a message of yt-dlp without the name of its part, without advice, and without secrets in addresses.

    >>> in_words("ERROR: [generic] Unable to download webpage: HTTP Error 500: no (caused by <HTTPError 500: no>)")
    'Unable to download webpage: HTTP Error 500: no'
    """
    while (shorter := PREFIX.sub("", message)) != message:
        message = shorter
    words = " ".join(BLAME.split(message)[0].split())
    return without_secrets(words)[:MAX_WORDS].strip(" .;") or "yt-dlp failed without a word"


def _reason_in(text: str, table: tuple[tuple[str, Reason], ...]) -> Reason | None:
    return next((reason for pattern, reason in table if re.search(pattern, text, re.IGNORECASE)), None)


def _reason_of_status(status: int) -> Reason:
    if status in {401, 402, 407, 451}:
        return Reason.FORBIDDEN
    return HTTP_STATUS.get(status) or (Reason.SERVER_ERROR if status >= 500 else Reason.UNAVAILABLE)


def _rejection_of_network(fault: TransportError) -> Rejected:
    detail = in_words(str(fault))
    if isinstance(fault, CertificateVerifyError):
        return Rejected(Reason.UNAVAILABLE, f"TLS: {detail}"[:MAX_WORDS])
    is_late = any(isinstance(link, TimeoutError) for link in _chain(fault)) or "timed out" in detail
    return Rejected(Reason.TIMEOUT if is_late else Reason.CONNECTION, detail)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it, each once, however yt-dlp wrapped it."""
    pending: list[object] = [error]
    seen: list[BaseException] = []
    while pending:
        link = pending.pop(0)
        if isinstance(link, BaseException) and not any(link is other for other in seen):
            seen.append(link)
            yield link
            exc_info = getattr(link, "exc_info", None)
            pending += [exc_info[1] if exc_info else None, getattr(link, "cause", None), getattr(link, "reason", None)]
            pending += [*getattr(link, "unexpected_errors", ()), link.__cause__, link.__context__]
