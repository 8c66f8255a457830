"""A recording gets the text that has its name, and never the text of another recording."""

import pytest

from sources.metadata.side_cars import side_cars

NFC, NFD = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(
    ("files", "recordings", "result"),
    [
        (["a.json", "a.txt"], ["a.wav"], {"a.wav": "a.json"}),
        (["a.txt"], ["a.wav"], {"a.wav": "a.txt"}),
        (["a.md", "b.txt"], ["a.wav"], {}),
        (["x/a.txt"], ["a.wav", "x/a.wav"], {"x/a.wav": "x/a.txt"}),
        (["a.TXT", "a.txt"], ["a.wav"], {"a.wav": "a.txt"}),
        (["a.TXT", "a.Txt"], ["a.wav"], {"a.wav": "a.TXT"}),
        ([f"{NFD}.txt"], [f"{NFC}.wav"], {f"{NFC}.wav": f"{NFD}.txt"}),
        ([f"{NFD}.txt", f"{NFC}.txt"], [f"{NFC}.wav"], {f"{NFC}.wav": f"{NFC}.txt"}),
        ([f"{NFD}.txt"], [f"{NFC}.wav", f"{NFD}.wav"], {f"{NFD}.wav": f"{NFD}.txt"}),
        ([f"{NFD}.json", f"{NFC}.txt"], [f"{NFC}.wav"], {f"{NFC}.wav": f"{NFD}.json"}),
        ([f"o{NFD}{NFC}.txt", f"o{NFC}{NFD}.txt"], [f"o{NFC}{NFC}.wav"], {}),  # either may be meant
        (["a.txt"], ["a.wav", "a.flac"], {"a.wav": "a.txt", "a.flac": "a.txt"}),
    ],
)
def test_a_recording_gets_the_text_of_its_name(files, recordings, result):
    assert side_cars(files, recordings) == result
    assert side_cars(files[::-1], iter(recordings[::-1])) == result
