import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from copilot.llm.prefix_cache import KEPT, PrefixCache

TOKENS = [1, 2, 49151]


def test_what_was_saved_is_loaded_by_a_new_cache(tmp_path: Path):
    PrefixCache(tmp_path, "model").save(TOKENS, b"state")
    assert PrefixCache(tmp_path, "model").load(TOKENS) == b"state"


def test_nothing_is_loaded_for_other_tokens_or_another_model(tmp_path: Path):
    cache = PrefixCache(tmp_path, "model")
    cache.save(TOKENS, b"state")
    assert cache.load(TOKENS[:-1]) is None
    assert PrefixCache(tmp_path, "other").load(TOKENS) is None


@given(state=st.binary(min_size=1, max_size=64), data=st.data())
def test_a_torn_or_altered_file_is_not_used(tmp_path_factory, state: bytes, data):
    folder = tmp_path_factory.mktemp("prefixes")
    cache = PrefixCache(folder, "model")
    cache.save(TOKENS, state)
    (path,) = folder.iterdir()
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    torn = data.draw(st.booleans())
    other = bytes([content[place] ^ 1]) + content[place + 1 :]
    path.write_bytes(content[:place] + (b"" if torn else other))
    assert cache.load(TOKENS) is None


def test_the_least_used_files_go(tmp_path: Path):
    cache = PrefixCache(tmp_path, "model")
    for number in range(KEPT):
        cache.save([number], b"state")
    for age, path in enumerate(sorted(tmp_path.iterdir())):
        os.utime(path, (age, age))
    oldest, second = sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime)[:2]
    assert any(cache.load([n]) and oldest.stat().st_mtime > 1000 for n in range(KEPT))
    cache.save([KEPT], b"state")
    assert len(list(tmp_path.iterdir())) == KEPT
    assert oldest.exists()
    assert not second.exists()


def test_a_folder_that_cannot_be_written_costs_only_the_cache(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    cache = PrefixCache(blocked, "model")
    cache.save(TOKENS, b"state")
    assert cache.load(TOKENS) is None
