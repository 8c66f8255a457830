"""Which texts of a Freesound record become captions."""

from __future__ import annotations

import pytest

from augment.choose_text import chosen, of_tags, same_text
from augment.clean import MAX_CHARACTERS
from augment.description_sentences import sentences, trimmed
from augment.repeated_sentences import repeated_sentences
from pipeline.records import TEMPLATE_LABELS


def texts(title: str, description: str, *tags: str, **given) -> list[str]:
    return [each.text for each in chosen(title, description, tags, **given)]


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("Rain on a roof, recorded with a Zoom H4n at 48 kHz.", "Rain on a roof"),
        ("Wooden door shutting recorded with iphone 11 internal microphone.", "Wooden door shutting"),
        ("A train passes (Zoom H2).", "A train passes."),
        ("A train passes by", "A train passes by"),
        ("This is a tractor working in the field", "a tractor working in the field"),
        ("I recorded a bluejay in the woods using an Olympus VN-480PC", "a bluejay in the woods"),
        ("Single note sampled from an analog synthesizer by Modular Samples.", "Single note sampled from an analog synthesizer"),
        ("Sound of weaving machines by Anna Recasens", "Sound of weaving machines"),
        ("A dog barks by the river", "A dog barks by the river"),
        ("Short discrete click, could be used for game sounds.", "Short discrete click"),
        ("A snare, part of my drum sample pack.", "A snare"),
        ("Rain on leaves, under a Creative Commons licence", "Rain on leaves"),
        ("Door opening and closing, 3 mics: 3000B, SM57", "Door opening and closing"),
        ("The sound of a Glock21, chambered in .45, being shot", "The sound of a Glock21, chambered in .45, being shot"),
    ],
)
def test_a_sentence_loses_only_its_clauses_about_other_things(sentence, left):
    assert trimmed(sentence) == left


@pytest.mark.parametrize(
    "description",
    [
        "Recorded in the month of November in East India Village",
        "All sounds recorded in my kitchen.",
        "Processed with lofi effects.",
        "It's a small synthesizer that's great for drones and pings.",
        "Notes for samples in this pack: style: strike: Bl = Bell Strike",
        "The pack consists of a set of samples.",
        "They were created using pitch shifting.",
        "All the music on these tracks was written by me.",
        "This is a link to my instrumental music",
        "No EQ boost or cuts anywhere else.",
        "Hey guys while recording the room I heard this beat.",
        "Room type: hall",
        "Patch name (pack): Plastic Bass",
        "Thanks for listening! Please rate.",
        "https://example.org/sounds",
        "",
    ],
)
def test_sentences_about_other_things_are_left_out(description):
    assert not any(sentences(description))


@pytest.mark.parametrize(
    ("description", "first"),
    [
        ("Sound of a tractorEquipment used: Zoom H4n", "Sound of a tractor."),
        ("paper rustling soundrecorded with Blue Yeti", "paper rustling sound."),
        ("Synth Loop 124 BPMKey of F Minor", "Synth Loop 124 BPM."),
        ("a kick samplethis is part of my radio pack", "a kick sample."),
        ("approx. 20 dogs barking. They run.", "approx. 20 dogs barking."),
        ("Bells, see <a href='http://example.org'>http://example.org</a> for more", "Bells"),
    ],
)
def test_lost_breaks_and_abbreviations_and_addresses(description, first):
    assert next(filter(None, sentences(description))) == first


@pytest.mark.parametrize(
    ("title", "description", "tags", "captions"),
    [
        ("stairs.mp3", "Short notification sound.", ["notification", "ping", "alert"], "Short notification sound."),
        ("Dog_bark-02.wav", "", ["dog"], "Dog bark"),
        ("fountain_handwash_stereo_4824.wav", "", ["fountain"], "fountain handwash"),
        ("SFX_Whoosh_Vent_1.wav", "", ["whoosh"], "Whoosh Vent"),
        ("Explosion (Stereo).wav", "", ["explosion"], "Explosion"),
        ("38.wav", "Recorded with Zoom H4n.", ["rain", "thunder"], "The sound of rain and thunder."),
        ("EB03.wav", "Recorded with Tascam DR 40", ["Fieldrecording", "Film", "Train", "Trains"], "The sound of train."),
    ],
)
def test_the_first_caption_says_what_is_heard(title, description, tags, captions):
    assert texts(title, description, *tags)[0] == captions


def test_a_title_that_nothing_confirms_does_not_stand_beside_a_description():
    assert "stairs" not in texts("stairs.mp3", "Short notification sound.", "notification", "ping")
    assert "wooden stairs" in texts("wooden stairs.mp3", "Footsteps on wooden stairs.", "stairs")


def test_weak_texts_have_the_template_beside_them():
    assert "The sound of drum and snare." in texts("MPM14x5", "Loud", "drum", "snare", "14x5", "sample-pack")


def test_nothing_stands_where_no_text_is_about_the_sound():
    assert chosen("38.wav", "Recorded with Zoom H4n.", []) == []
    assert chosen("", "", ["zoom", "120", "field-recording"]) == []


@pytest.mark.parametrize(
    ("tags", "text"),
    [
        (["door-slam", "door", "slam", "key-ring"], "The sound of door slam and key ring."),
        (["bus", "buses", "train"], "The sound of bus and train."),
        (["mridangam-stroke-dataset", "drum", "snare", "zoom-h4n", "midi-note-38"], "The sound of drum and snare."),
        (["zoom"], ""),
        ([], ""),
    ],
)
def test_the_template_over_tags(tags, text):
    assert of_tags(tags).text == text


def test_a_list_of_500_tags_makes_a_short_template():
    tags = [f"{word}-{chr(97 + n)}{chr(97 + n)}{chr(97 + n)}" for word in ("door", "rain", "bell") for n in range(26)] * 7
    assert of_tags(tags).text.count(",") == TEMPLATE_LABELS - 1
    assert of_tags(tags, 3).text.count(",") == 2


@pytest.mark.parametrize(
    ("description", "sentence"),
    [
        ("A girl screaming loudly", "A girl screaming loudly"),
        ("Take No. 3 of a bell. Second.", "Take No. 3 of a bell."),
        ("A bell, e.g. a church bell, rings. Then it stops.", "A bell, e.g. a church bell, rings."),
        ("Recorded at 44.1kHz in a forest. Birds sing.", "Birds sing."),
        ("Dr. Smith vs. the St. James bell. Loud!", "Dr. Smith vs. the St. James bell."),
        ("A door slams! It opens.", "A door slams!"),
        ("About 200 people applauding. Recorded with Zoom Q3HD.", "About 200 people applauding."),
        ("Recorded with Zoom h2n.\r\nA door slams.", "A door slams."),
        ("Recorded on a Sony PCM M-10. Just a loud cricket.", "Just a loud cricket."),
        ("Made with FL Studio. A short bass loop.", "A short bass loop."),
        ("CC0, so no hassle with credit. Rain on leaves.", "Rain on leaves."),
        ("Please rate! Enjoy! Rain on leaves.", "Rain on leaves."),
        ('Visit <a href="http://example.org">http://example.org</a>. Thunder.', "Thunder."),
        ("Equipment: Tascam DR-100. Thunder.", "Thunder."),
        ("Take 4. A calm boulevard.", "A calm boulevard."),
        ("A steel door is openedModel: Huawei", "A steel door is opened."),
        ("Flushing a toilet.Equipment: Tascam", "Flushing a toilet."),
        ("footsteps on snow, close by\nand then away\nZoom H4n", "footsteps on snow, close by and then away"),
        ("rain3.flac", "rain3"),
        ("雨の音。二番目", "雨の音。"),
        ("Recorded with Zoom H4n", ""),
        ("44.1 kHz, 16 bit, stereo", ""),
        ("...", ""),
        ("", ""),
        ("Visit us on our page\nThunder; ", "Thunder"),
        ("Thunder rolls:", "Thunder rolls"),
        ("thunder.WAV", "thunder."),
    ],
)
def test_the_first_sentence_that_is_left_is_about_the_sound(description, sentence):
    assert next(filter(None, sentences(description)), "") == sentence


ATTACKS = [
    "<script>alert(1)</script>",
    '{"caption": "A dog barks", "id": 7}',
    "e.g.",
    "[music]",
    "a" * 300,
    "?",
    "\u200f\u202edog\u200b barks\u202c",
    "شخص يتحدث بصوت عال",
    "犬が吠える。雨の音。",
    "\x00\x1b[31m",
    "<" * 5000,
    "(" * 5000,
    "word " * 200_000,
    "a.B" * 100_000,
    "http://" * 1000,
    "\ud800",
]


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: repr(text[:12]))
def test_no_text_breaks_the_choice_and_captions_are_clean(text):
    for captions in (chosen(text, text, [text]), chosen("", text, []), chosen(text, "", []), chosen("", "", [text])):
        for each in captions:
            assert 0 < len(each.text) <= MAX_CHARACTERS + len("The sound of .")
            assert not any(mark in each.text for mark in "<>\u200b\u200f\u202e\x00\n\ue000")


def test_one_long_sentence_ends_where_a_clause_ends():
    clauses = ("A dog barks in the yard", "rain drips on a roof", "a door slams", "a train passes with a whistle", "footsteps on gravel")
    (sentence,) = [each.text for each in chosen("", ", ".join(clauses * 4), []) if each.origin == "description"]
    assert sentence.endswith(clauses)
    assert len(sentence) <= MAX_CHARACTERS


def test_the_choice_is_the_same_again():
    given = ("Dog.wav", "A dog barks. A train passes. Rain falls on a roof.", ["dog", "train"])
    assert chosen(*given) == chosen(*given)


def test_sentences_of_one_author_are_equal_whatever_their_numbers():
    assert same_text("This is a note C4 of a bell, take 3.") == same_text("A note D5 of a bell, TAKE 4")


def test_a_sentence_is_repeated_from_its_threshold_on_and_once_a_record():
    records = [("ann", "A bell rings. A bell rings! A bell rings?")] * 19
    assert "A bell rings" not in repeated_sentences(records).of("ann")
    repeated = repeated_sentences([*records, ("ann", "<p>a BELL rings</p>")])
    assert "A bell rings." in repeated.of("ann")
    assert "A bell rings." not in repeated.of("bob")
    assert "A bell rings." not in repeated_sentences([]).of("ann")


def test_a_repeated_sentence_stands_only_where_nothing_else_does():
    repeated = repeated_sentences([("ann", "A bell rings.")] * 20).of("ann")
    assert texts("Church bell.wav", "A bell rings.", repeated=repeated) == ["Church bell"]
    assert texts("38.wav", "A bell rings.", repeated=repeated) == ["A bell rings."]
