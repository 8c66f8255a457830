"""The texts of yt-dlp's errors, as they are, give the right reasons: what is about us is never marked on a video."""

from __future__ import annotations

import inspect

import pytest
from yt_dlp.extractor import common
from yt_dlp.extractor.youtube import _video
from yt_dlp.networking.exceptions import CertificateVerifyError, TransportError
from yt_dlp.utils import DownloadError, ExtractorError, GeoRestrictedError, UnsupportedError

from pipeline.records import LEFT_FOR_LATER, TRANSIENT, Reason, Rejected
from transforms.fetching.youtube.youtube_errors import in_words, rejection_of

HINT = (
    "Use --cookies-from-browser or --cookies for the authentication. See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ"
    "#how-do-i-pass-cookies-to-yt-dlp  for how to manually pass cookies"
)
RATE = (
    "The current session has been rate-limited by YouTube for up to an hour. It is recommended to use `-t sleep` to add a delay between "
    "video requests to avoid exceeding the rate limit. For more information, refer to  https://github.com/yt-dlp/yt-dlp/wiki/Extractors"
    "#this-content-isnt-available-try-again-later"
)
TEXTS = {
    f"Sign in to confirm you’re not a bot. {HINT}": Reason.BOT_CHECK,
    f"Sign in to confirm you're not a bot. {HINT}": Reason.BOT_CHECK,
    f"Please sign in. {HINT}": Reason.BOT_CHECK,
    "Video unavailable. YouTube is requiring a captcha challenge before playback": Reason.BOT_CHECK,
    f"Video unavailable. This content isn't available, try again later. {RATE}": Reason.THROTTLED,
    f"This content isn’t available, try again later. {RATE}": Reason.THROTTLED,
    "Private video. Sign in if you've been granted access to this video. " + HINT: Reason.FORBIDDEN,
    "This video is private. If the owner of this video has granted you access, please sign in. " + HINT: Reason.FORBIDDEN,
    "Sign in to confirm your age. This video may be inappropriate for some users. " + HINT: Reason.FORBIDDEN,
    "Join this channel to get access to members-only content like this video, and other exclusive perks.": Reason.FORBIDDEN,
    "This video is available to this channel's members on level: Fan (or any higher level). Join this channel": Reason.FORBIDDEN,
    "This video requires payment to watch": Reason.FORBIDDEN,
    "This video is DRM protected": Reason.FORBIDDEN,
    "The uploader has not made this video available in your country": Reason.FORBIDDEN,
    "Video unavailable. The uploader has not made this video available in your country": Reason.FORBIDDEN,
    "Video unavailable. This video contains content from SME, who has blocked it in your country on copyright grounds": Reason.FORBIDDEN,
    "This video is not available in your country": Reason.FORBIDDEN,
    "Video unavailable": Reason.UNAVAILABLE,
    "Video unavailable. This video is not available": Reason.UNAVAILABLE,
    "Video unavailable. This video has been removed by the uploader": Reason.UNAVAILABLE,
    "This video has been removed for violating YouTube's Terms of Service": Reason.UNAVAILABLE,
    "Video unavailable. This video is no longer available because the YouTube account associated with this video has been "
    "terminated.": Reason.UNAVAILABLE,
    "This video is no longer available due to a copyright claim by Warner": Reason.UNAVAILABLE,
    "This live event will begin in 3 hours.": Reason.UNAVAILABLE,
    "Premieres in 34 hours": Reason.UNAVAILABLE,
    "This live stream recording is not available.": Reason.UNAVAILABLE,
    "Offline.": Reason.UNAVAILABLE,
    "We're processing this video. Check back later.": Reason.SERVER_ERROR,
    "Requested format is not available. Use --list-formats for a list of available formats": Reason.SERVER_ERROR,
    "No video formats found!; please report this issue on  https://github.com/yt-dlp/yt-dlp/issues": Reason.SERVER_ERROR,
    "The page needs to be reloaded.": Reason.SERVER_ERROR,
    "Incomplete YouTube ID abc. URL https://youtu.be/abc looks truncated.": Reason.NOT_FOUND,
    "'x' is not a valid URL. Set --default-search \"ytsearch\"": Reason.NOT_FOUND,
}
ABOUT_US = {"bot", "captcha", "rate-limited", "Please sign in."}


def raised(error: Exception) -> DownloadError:
    """Return the error that yt-dlp raises to its users."""
    return DownloadError(f"\x1b[0;31mERROR:\x1b[0m {error}", (type(error), error, None))


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_gives_its_reason_and_is_shown_without_advice(text):
    rejected = rejection_of(raised(ExtractorError(text, expected=True, video_id="abc", ie="youtube")))
    assert rejected.reason == TEXTS[text]
    assert (rejected.reason in LEFT_FOR_LATER) == any(words in text for words in ABOUT_US)
    assert rejected.detail.startswith(text[:7])
    for advice in ("Use --", "ERROR", "[youtube]", "\x1b", "report this issue", "http"):
        assert advice not in rejected.detail or advice in text[:60], rejected.detail


def test_yt_dlp_still_writes_the_texts_that_are_its_own():
    source = inspect.getsource(_video)
    for text in (
        "This content isn't available, try again later",
        "has been rate-limited by YouTube",
        "YouTube is requiring a captcha challenge before playback",
        "The uploader has not made this video available in your country",
    ):
        assert text in source
    assert "video is DRM protected" in inspect.getsource(common)


def test_geo_restriction_and_unknown_addresses_have_classes_of_their_own():
    assert rejection_of(raised(GeoRestrictedError("This video is not available from your location due to geo restriction"))).reason == (
        Reason.FORBIDDEN
    )
    assert rejection_of(raised(UnsupportedError("https://example.org/x?token=hush"))).reason == Reason.NOT_FOUND
    assert "hush" not in rejection_of(raised(UnsupportedError("https://example.org/x?token=hush"))).detail


def test_what_the_table_does_not_know_is_the_hosts_word_where_yt_dlp_expected_it_and_else_transient():
    assert rejection_of(raised(ExtractorError("No video for you", expected=True))).reason == Reason.UNAVAILABLE
    fault = rejection_of(raised(ExtractorError("Unable to extract nsig")))
    assert (fault.reason, fault.detail) == (Reason.SERVER_ERROR, "Unable to extract nsig")
    assert fault.reason in TRANSIENT


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (TransportError(cause=TimeoutError("timed out")), Reason.TIMEOUT),
        (TransportError("The read operation timed out"), Reason.TIMEOUT),
        (TransportError(cause=ConnectionResetError(104, "Connection reset by peer")), Reason.CONNECTION),
        (TransportError("[Errno -2] Name or service not known"), Reason.CONNECTION),
        (CertificateVerifyError("certificate verify failed"), Reason.UNAVAILABLE),
    ],
)
def test_faults_of_the_network_are_found_below_what_yt_dlp_made_of_them(fault, reason):
    wrapped = ExtractorError("Unable to download API page", cause=fault, video_id="abc", ie="youtube")
    assert rejection_of(raised(wrapped)).reason == rejection_of(fault).reason == reason


def test_a_rejection_comes_out_as_it_was_however_deep_it_is():
    rejected = Rejected(Reason.UNSAFE_ADDRESS, "x is 10.0.0.1, not a public address")
    error = ExtractorError("Unable to download", cause=TransportError(cause=rejected))
    assert rejection_of(raised(error)) is rejected


def test_an_error_that_causes_itself_ends():
    error = ExtractorError("odd")
    error.cause = error
    assert rejection_of(error).detail == "odd"


@pytest.mark.parametrize("message", ["", "ERROR: ", "\x1b[0;31mERROR:\x1b[0m", "x" * 5000, "ERROR: [youtube] abc: "])
def test_a_detail_is_never_empty_nor_long(message):
    assert 0 < len(in_words(message)) <= 200
