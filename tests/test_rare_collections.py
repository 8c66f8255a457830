import gc

import pytest

from pipeline.verbs.rare_collections import EVERY, rare_collections


def test_thresholds_come_back_after_a_failure():
    before = gc.get_threshold()
    with pytest.raises(KeyError), rare_collections():
        assert gc.get_threshold() == (EVERY, *before[1:])
        raise KeyError
    assert gc.get_threshold() == before


def test_cycles_are_still_collected():
    class Node:
        def __init__(self):
            self.me = self

        def __del__(self):
            gone.append(1)

    gone = []
    with rare_collections():
        for _ in range(EVERY * 2):
            Node()
    assert gone
