"""Names of classes with commas: a list of labels is not split inside of one."""

from augment.class_names import AUDIOSET, CLASS_NAMES, MAX_COMMAS, VGGSOUND


def test_the_names_of_both_sets_are_known_in_small_letters():
    assert {"male speech, man speaking", "livestock, farm animals, working animals", "fly, housefly buzzing"} <= CLASS_NAMES
    assert len(CLASS_NAMES) == len((AUDIOSET + VGGSOUND).split("\n")) - 3
    assert all(name == name.lower().strip() and "," in name for name in CLASS_NAMES)


def test_no_name_has_more_commas_than_the_limit():
    assert MAX_COMMAS == 2
