"""The bound of the cache of remote shards."""

import multiprocessing

from tests.test_train_ranges import served  # noqa: F401  (a fixture)
from train.data.cache_room import make_room, take_room
from train.data.samples import Clips
from train.data.shards import find_shards


def kept_bytes(cache):
    return sum(
        path.stat().st_size for path in cache.rglob("*-*") if path.is_file() and path.parent.name != "index" and path.name[0].isdigit()
    )


def test_no_more_is_kept_than_the_bound(served, tmp_path):  # noqa: F811
    most = 200_000
    clips = Clips(find_shards(served.address, "train"), True, tmp_path, most_bytes=most)
    keys = [clips[0, i].key for i in range(len(clips))]
    assert keys == [clips[1, i].key for i in range(len(clips))]
    assert 0 < kept_bytes(tmp_path) <= most
    asked = len(served.of_tars())
    clips[2, 0], clips[2, 0]
    assert len(served.of_tars()) <= asked + 2


def take(root, n_bytes, most):
    return sum(take_room(root, n_bytes, most) for _ in range(20))


def test_processes_share_one_bound(tmp_path):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert sum(pool.starmap(take, [(tmp_path, 10, 305)] * 4)) == 30


def test_a_full_cache_gives_up_what_other_sets_left(tmp_path):
    for name in ("a" * 24, "b" * 24):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0-90").write_bytes(bytes(90))
    (tmp_path / "index").mkdir()
    assert not take_room(tmp_path, 30, 200)  # measured: no count was there
    (tmp_path / "kept-bytes").write_text("190")
    make_room(tmp_path, {"a" * 24}, 1000)
    assert (tmp_path / ("b" * 24)).exists()
    make_room(tmp_path, {"a" * 24}, 200)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["a" * 24, "index"]
    assert take_room(tmp_path, 110, 200) and not take_room(tmp_path, 1, 200)


def test_a_damaged_count_is_measured_again(tmp_path):
    (tmp_path / "kept-bytes").write_text("many")
    assert take_room(tmp_path, 10, 10) and not take_room(tmp_path, 1, 10)
