"""No secret of an address or of a command line is left, and nothing else of it is changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.masking import is_masked, is_secret_name, mask_address, mask_command, mask_text

SECRET = "s3cr3t"
SIGNED = [
    f"https://me:{SECRET}@example.org/a.wav",
    f"https://{SECRET}@example.org/a.wav",
    f"ftp://me:p@{SECRET}@example.org/a.wav",
    f"https://b.s3.amazonaws.com/a.wav?X-Amz-Algorithm=AWS4&X-Amz-Credential={SECRET}%2F1&X-Amz-Signature={SECRET}",
    f"https://b.s3.amazonaws.com/a.wav?AWSAccessKeyId={SECRET}&Expires=1&Signature={SECRET}%3D",
    f"https://storage.googleapis.com/b/a.wav?X-Goog-Signature={SECRET}&GoogleAccessId={SECRET}",
    f"https://c.blob.core.windows.net/b/a.wav?sv=2020&se=2027&sig={SECRET}",
    f"https://d.cloudfront.net/a.wav?Policy={SECRET}&Signature={SECRET}&Key-Pair-Id={SECRET}",
    f"https://example.org/a.wav?token={SECRET}",
    f"https://example.org/a.wav?id=7;access_token={SECRET}",
    f"https://example.org/a.wav?apikey={SECRET}&api_key={SECRET}&api-key={SECRET}&x-api-key={SECRET}",
    f"https://example.org/a.wav?authToken={SECRET}&client_secret={SECRET}&password={SECRET}&jwt={SECRET}&sessionid={SECRET}",
    f"https://example.org/a.wav?to%6ben={SECRET}",
    f"https://example.org/a.wav?TOKEN={SECRET}",
    f"https://example.org/a.wav?key={SECRET * 5}",
    f"https://example.org/a.wav#access_token={SECRET}",
    f"//cdn.example.org/a.wav?token={SECRET}",
    f"http:/me:{SECRET}@example.org/a.wav",
    f"http:\\\\me:{SECRET}@example.org/a.wav",
    f"https://me:pa/{SECRET}@example.org/a.wav",
    f"https://me:p#{SECRET}@example.org/a.wav",
    f"https://example.org/token={SECRET}/a.wav",
    f"https://example.org/a.wav;jsessionid={SECRET}",
    f"https://example.org/a.wav?PHPSESSID={SECRET}&passkey={SECRET}&app_key={SECRET}&md5={SECRET}&hmacsha256={SECRET}",
    f"https://example.org/a.wav?n=1,token={SECRET}",
    f"https://example.org/a.wav?token:{SECRET}",
    f"https://example.org/a.wav?token%3D{SECRET}",
    f"https://example.org/a.wav?from=https%3A%2F%2Fme%3A{SECRET}%40example.org%2Fb.wav%3Fsig%3D{SECRET}",
]
TYPED = [  # in a cell of a table
    f"me:{SECRET}@example.org/a.wav",
    f"example.org/a.wav?token={SECRET}",
    f"https://me:p {SECRET}@example.org/a.wav",
    f"https://example.org/a.wav?token=a {SECRET}",
]
HARMLESS = [
    "https://example.org/a.wav",
    "https://example.org/a.wav?id=7&start=3#t=4",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=4",
    "https://freesound.org/people/nfrae/sounds/100032/",
    "https://example.org/get?key=rain_01.wav&author=me&pass_through=",
    "https://example.org:8080/a@b.wav",
    "https://[::1]:80/a@b.wav",
    "https://example.org/a.wav?t=1:30&ids=1,2&q=a%20b%2Cc",
    "C:\\rain:1@night.wav",
    "Scene: 2:30@night.wav",
    "https://example.org/@me/a.wav?mail=me@example.org",
    "https://example.org/a.wav?token=",
    "recordings/token=1&sig=2.wav",
    "a@b.wav",
    "Scene: night?token=1.wav",
]


@pytest.mark.parametrize("address", SIGNED)
def test_no_secret_of_an_address_is_left(address: str) -> None:
    masked = mask_address(address)
    assert SECRET not in masked and mask_address(masked) == masked
    assert ("a.wav" in masked and "example.org" in masked) or "example.org" not in address
    assert address.startswith("//") or SECRET not in mask_text(f"redirected to {address}, then lost")


@pytest.mark.parametrize("address", TYPED)
def test_no_secret_of_an_address_as_people_type_it_is_left(address: str) -> None:
    assert SECRET not in (masked := mask_address(address)) and "example.org/a.wav" in masked


@pytest.mark.parametrize("address", HARMLESS)
def test_what_holds_no_secret_stays(address: str) -> None:
    assert mask_address(address) == address


@given(st.text(max_size=80))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = mask_address(f"https://example.org/{text}")
    assert mask_address(once) == once
    assert mask_text(mask_text(text)) == mask_text(text)


def test_options_with_secrets_are_masked_in_both_forms() -> None:
    line = ["laion-audio", "build", "--s3_secret_access_key=x", "--password", "x", "--endpoint=https://u:x@h/?token=x", "-v"]
    assert mask_command([*line, "--token", "--output", "o"]) == [
        *("laion-audio", "build", "--s3_secret_access_key=masked", "--password", "masked", "--endpoint=https://h/?token=masked"),
        *("-v", "--token", "--output", "o"),
    ]


@pytest.mark.parametrize(
    "argument",
    [
        f"AWS_SECRET_ACCESS_KEY={SECRET}",
        f"--env=PASSWORD={SECRET}",
        f'--x={{"a": 1, "token": "{SECRET}"}}',
        f"Authorization: Bearer {SECRET}",
    ],
)
def test_secrets_inside_of_an_argument_are_masked(argument: str) -> None:
    assert SECRET not in mask_command([argument])[0]


@pytest.mark.parametrize("name", ["author", "keyword", "key", "tokenizer", "path", "compass", "bypass", "signal", "design"])
def test_other_names_hold_no_secret(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("no file 'a.wav?token=x&id=7&sig=y'", "no file 'a.wav?token=masked&id=7&sig=masked'"),
        ("a?id=7", "a?id=7"),
        ("at //h/?sig=1 or s3:\\\\h?sig=2", "at //h/?sig=masked or s3:\\\\h?sig=masked"),
    ],
)
def test_secret_parameters_in_a_text_are_masked_and_others_stay(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/a?sig=masked", True),
        ("https://h/a?u=b%3Fsig%3Dmasked&y", True),
        ("https://h/a?face=masked", False),
        ("https://h/a?sig=masked-1", False),
        ("masked", False),
    ],
)
def test_a_masked_address_is_known(url: str, expected: bool) -> None:
    assert is_masked(url) is expected


def test_a_key_is_a_secret_from_24_characters_on_and_a_scheme_is_in_the_first_40() -> None:
    assert mask_address(f"https://h/?key={'k' * 24}") == "https://h/?key=masked"
    assert mask_address(f"https://h/?KEY={'k' * 23}") == f"https://h/?KEY={'k' * 23}"
    assert mask_address("é" * 37 + "://h/?sig=1") == "é" * 37 + "://h/?sig=masked"
    assert mask_address("é" * 38 + "://h/?sig=1") == "é" * 38 + "://h/?sig=1"


def test_a_nested_address_stays_encoded_where_its_secret_is_masked() -> None:
    masked = mask_address("https://example.org/get?from=https%3A%2F%2Fa.org%2Fx.wav%3Ftoken%3Dabc%26id%3D7")
    assert "abc" not in masked and "id%3D7" in masked and "https%3A%2F%2Fa.org%2Fx.wav" in masked
