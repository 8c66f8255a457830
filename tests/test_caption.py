"""Clips -> clips with text, or no clip at all."""

from dataclasses import replace

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.engines.run import Engine
from pipeline.records import Caption, Clip, Reason, Rejected
from transforms.planning.caption import CaptionClips, Debias, debiased, with_captions

CLIP = Clip("s", "S", "train", "i", "u")


def captioned(*texts: str, labels: tuple[str, ...] = ()) -> Clip:
    return replace(CLIP, captions=tuple(map(Caption, texts)), labels=labels)


def test_captions_are_one_clean_line_each_and_none_twice():
    clip = with_captions(captioned("A dog\n barks ", "A dog barks", "", " \t", "Año"))
    assert [caption.text for caption in clip.captions] == ["A dog barks", "Año"]


def test_labels_are_worded_by_the_template_where_there_is_no_caption():
    assert with_captions(captioned(labels=("Dog", "Rain"))).captions == (Caption("The sound of dog and rain.", origin="template"),)
    assert with_captions(captioned("", labels=("Dog",))).captions[0].origin == "template"
    assert [caption.origin for caption in with_captions(captioned("A dog", labels=("Dog",))).captions] == ["human"]


@pytest.mark.parametrize("clip", [CLIP, captioned("", " \n"), captioned(labels=("_", ""))])
def test_a_clip_without_any_text_is_refused(clip):
    with pytest.raises(Rejected) as caught:
        with_captions(clip)
    assert caught.value.reason == Reason.NO_TEXT


def test_the_text_before_debiasing_is_kept_where_it_changed():
    clip = debiased(captioned("A woman speaks", "Rain falls"))
    assert clip.captions == (Caption("A person speaks", before_debias="A woman speaks"), Caption("Rain falls"))


@pytest.mark.parametrize(("enabled", "text"), [(True, "A person speaks"), (False, "A man speaks")])
def test_debiasing_can_be_switched_off(enabled, text):
    def wire(root: beam.Pipeline) -> None:
        clips, rejections = root | beam.Create([captioned("A man speaks"), CLIP]) | CaptionClips()
        texts = clips | Debias(enabled) | "Texts" >> beam.Map(lambda clip: clip.captions[0].text)
        assert_that(texts, equal_to([text]), "texts")
        assert_that(rejections | "Reasons" >> beam.Map(lambda no: no.reason), equal_to([Reason.NO_TEXT]), "rejections")

    Engine(n_workers=2).run(wire)
