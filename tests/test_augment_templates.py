"""The caption template, and labels as words."""

from __future__ import annotations

import pytest

from augment.templates import label_words, template


@pytest.mark.parametrize(
    ("labels", "caption"),
    [
        ([], None),
        (["", " ", "_", "---"], None),
        (["Dog"], "The sound of dog."),
        (["Dog", "Cat"], "The sound of dog and cat."),
        (["Dog", "Cat", "Bird"], "The sound of dog, cat, and bird."),
        (["Dog", "dog", "dog_", "Cat", "Dog"], "The sound of dog and cat."),
        (["a", "b", "c", "d"], "The sound of a, b, c, and d."),
        (["Gunshot,_gunfire"], "The sound of gunshot or gunfire."),
        (["Chirp_and_tweet", "Bird"], "The sound of chirp and tweet and bird."),
        (["Bee, wasp, etc."], "The sound of bee, wasp, etc."),
        (["Bee, wasp, etc.", "Dog"], "The sound of bee, wasp, etc. and dog."),
        (["Dog", "Bee, wasp, etc."], "The sound of dog and bee, wasp, etc."),
        (["Hubbub, speech noise, speech babble"], "The sound of hubbub, speech noise or speech babble."),
        (["Inside, small room", "Speech"], "The sound of inside, small room and speech."),
        (["Dishes, pots, and pans"], "The sound of dishes, pots, and pans."),
        (["Roaring cats (lions, tigers)"], "The sound of roaring cats (lions, tigers)."),
        (["playing violin, fiddle"], "The sound of playing violin or fiddle."),
        (["Nature, birds"], "The sound of nature, birds."),  # no name of a class: the words may be no synonyms
        (["iPhone", "IPHONE", "iphone"], "The sound of iPhone."),
        (["Größe", "GRÖSSE", "größe"], "The sound of größe."),
        (("Telephone dialing, DTMF",), "The sound of telephone dialing or DTMF."),
    ],
)
def test_template_for_any_number_of_labels(labels, caption):
    assert template(labels) == caption


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("Speech", "speech"),
        ("dog_bark", "dog bark"),
        ("Boat, Water vehicle", "boat, water vehicle"),
        ("Boat,_Water_vehicle", "boat, water vehicle"),
        ("Rattle_(instrument)", "rattle (instrument)"),
        ("Bee, wasp, etc.", "bee, wasp, etc"),
        ("French_horn", "French horn"),
        ("Music of Latin America", "music of Latin America"),
        ("Middle Eastern music", "Middle Eastern music"),
        ("MIDDLE EASTERN MUSIC", "Middle Eastern music"),
        ("A capella", "a capella"),
        ("Scale of C major", "scale of C major"),
        ("TV", "TV"),
        ("TV in another room", "TV in another room"),
        ("EXPLOSION", "explosion"),
        ("DOG BARKING", "dog barking"),
        ("iPhone ringing", "iPhone ringing"),
        ("drum|loop", "drum loop"),
        ("  spaces \t inside\n", "spaces inside"),
        ("Hi-hat", "hi-hat"),
        ("Dental drill, dentist's drill", "dental drill, dentist's drill"),
        ("größere Glocke", "größere glocke"),
        ("雨", "雨"),
        ("__", ""),
        ("...", ""),
        ("; Dog , bark:.", "dog, bark"),
        ("DOGGY", "DOGGY"),  # five letters may be an acronym
        ("DOGGIE", "doggie"),
        ("DOG A", "dog a"),
        ("Vitamin C", "vitamin C"),
        ("A", "a"),
        ("B", "B"),
        ("SFX hit", "SFX hit"),
        ("HITTING it", "hitting it"),
        ("McDonald eats", "McDonald eats"),
        ("africa", "Africa"),
        ("AFRICA", "Africa"),
        ("latin american music", "Latin American music"),
        ("7", "7"),
        ("<b>Dog</b>", "dog"),
        ("Rock &amp; roll", "rock & roll"),
        ("/m/0bt9lr", ""),
        ("/t/dd00003", ""),
        ("https://example.org/dog.wav", ""),
        ("me@example.org", ""),
        ("['Dog']", "dog"),
        ('{"a": 1}', ""),
        ("{}", ""),
        ("[music]", "music"),
        ("do\u200bg\u202e", "dog"),
        ("x" * 300, ""),
        ("and/or", "and/or"),
    ],
)
def test_label_as_words(label, words):
    assert label_words(label) == words


def test_template_lists_labels_in_their_order():
    labels = ["Siren", "Ambulance (siren)", "Vehicle"]
    assert template(labels) == "The sound of siren, ambulance (siren), and vehicle."
    assert template(labels[::-1]) == "The sound of vehicle, ambulance (siren), and siren."


def test_a_template_lists_twelve_labels_of_500():
    labels = [f"sound {chr(97 + n % 26)}{n}" for n in range(500)]
    assert template(labels).count("sound ") == 12 + 1
    assert template(labels, max_labels=1) == "The sound of sound a0."


def test_refused_labels_leave_the_others():
    assert template(["/m/0bt9lr", "Dog", "http://example.org"]) == "The sound of dog."
    assert template(["/m/0bt9lr", "{}", "_"]) is None
