import json
import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from copilot_tools.errors import Failed
from copilot_tools.models.registry.kinds import kind_named, load
from copilot_tools.models.registry.manifest import Draft, Unusable
from copilot_tools.models.registry.registry import Key, Registry
from copilot_tools.models.registry.skops_file import FILE, pack, unpack
from copilot_tools.models.registry.snapshot import copy_models
from copilot_tools.models.usual import UsualBehaviour

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = Key("behaviour", "K-1")
ROWS = np.random.default_rng(3).normal([50.0, 6.0, 30.0], [2.0, 0.2, 1.0], (400, 3))


def draft(**changes: Any) -> Draft:
    values = {
        "created": NOW,
        "created_by": "test",
        "data_sha256": "0" * 64,
        "libraries": kind_named("behaviour").libraries(),
        "metrics": {"false alarms": 0.01},
        "conformal": ((10.0, 5.0, 15.0),),
    }
    return Draft(**{**values, **changes})


def state() -> dict[str, Any]:
    model = UsualBehaviour.fit({"": ROWS}, operating=1)
    return {"model": model.to_state(), "reference": ROWS[:50]}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def place(registry: Registry, version: int) -> Path:
    return registry.root / "behaviour" / "K-1" / str(version)


def test_a_version_comes_back_as_it_was_stored(registry: Registry):
    made = registry.add(KEY, pack(state()), FILE, draft())
    assert made.version == 1
    assert registry.manifest(KEY, 1) == made
    loaded = load(registry, KEY, 1)
    fresh = UsualBehaviour.fit({"": ROWS}, operating=1)
    assert np.array_equal(loaded.model.scores("", ROWS), fresh.scores("", ROWS))
    assert np.isnan(loaded.model.scores("cola", ROWS)).all()
    assert np.array_equal(loaded.reference, ROWS[:50])


def test_a_new_version_runs_along_until_it_is_promoted(registry: Registry):
    assert registry.pointer(KEY).current is None
    registry.add(KEY, b"1", FILE, draft())
    registry.promote(KEY, 1, NOW, "ada")
    registry.add(KEY, b"2", FILE, draft())
    pointer = registry.pointer(KEY)
    assert (pointer.current, pointer.shadow) == (1, 2)
    pointer = registry.promote(KEY, 2, NOW, "ada", "better")
    assert (pointer.current, pointer.previous, pointer.shadow) == (2, 1, None)
    assert [(step.current, step.by, step.reason) for step in pointer.steps] == [
        (1, "ada", ""),
        (2, "ada", "better"),
    ]


def test_one_step_back_and_forth(registry: Registry):
    for version in (1, 2):
        registry.add(KEY, bytes(version), FILE, draft())
        registry.promote(KEY, version, NOW, "ada")
    assert registry.roll_back(KEY, NOW, "ada").current == 1
    assert registry.pointer(KEY).steps[-1].reason == "rolled back"
    assert registry.roll_back(KEY, NOW, "ada").current == 2


def test_nothing_damaged_comes_back_into_use(registry: Registry):
    for version in (1, 2):
        registry.add(KEY, bytes(version), FILE, draft())
        registry.promote(KEY, version, NOW, "ada")
    (place(registry, 1) / FILE).write_bytes(b"?")
    with pytest.raises(Unusable, match="behaviour K-1 v1: .* is damaged"):
        registry.roll_back(KEY, NOW, "ada")
    assert registry.pointer(KEY).current == 2


def test_there_is_nothing_to_go_back_to(registry: Registry):
    registry.add(KEY, b"1", FILE, draft())
    registry.promote(KEY, 1, NOW, "ada")
    with pytest.raises(Failed, match="no earlier version"):
        registry.roll_back(KEY, NOW, "ada")
    with pytest.raises(Failed, match="has no version 7"):
        registry.promote(KEY, 7, NOW, "ada")


@given(st.text(st.characters(codec="utf-8", min_codepoint=32), min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_no_name_leads_out_of_the_folder(tmp_path_factory: pytest.TempPathFactory, scope: str):
    registry = Registry(tmp_path_factory.mktemp("names") / "models")
    key = Key("behaviour", scope)
    registry.add(key, b"1", FILE, draft())
    assert registry.models() == [key]
    assert registry.versions(key) == [1]
    assert len(list(registry.root.parent.iterdir())) == 1


def test_what_is_missing_or_damaged_is_said_in_one_line(registry: Registry):
    made = registry.add(KEY, pack(state()), FILE, draft())
    file = place(registry, 1) / FILE
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(Unusable, match="behaviour K-1 v1: .* is damaged; roll back or train"):
        load(registry, KEY, 1)
    with pytest.raises(Unusable, match="is damaged"):
        registry.promote(KEY, 1, NOW, "ada")
    file.unlink()
    with pytest.raises(Unusable, match="No such file"):
        registry.content(made)
    with pytest.raises(Unusable, match="behaviour K-1 v9: .*No such file"):
        load(registry, KEY, 9)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 0}, "has format 0, not 1; train it anew"),
        ({"format": 2}, "has format 2, not 1; update the copilot"),
        ({"sha256": "../"}, "sha256: String should match"),
        ({"file": "../../plant.db"}, "file: String should match"),
        ({"version": 3}, "its manifest is that of behaviour K-1 v3"),
        ({"created": "yesterday"}, "created: "),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    registry: Registry, change: dict[str, Any], says: str
):
    registry.add(KEY, pack(state()), FILE, draft())
    manifest = place(registry, 1) / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_bytes()), **change}), "utf-8")
    with pytest.raises(Unusable, match=says) as found:
        load(registry, KEY, 1)
    assert "\n" not in str(found.value)


@given(st.binary(max_size=200))
@settings(max_examples=40, deadline=None)
def test_no_garbage_breaks_more_than_itself(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes
):
    registry = Registry(tmp_path_factory.mktemp("garbage"))
    registry.add(KEY, b"1", FILE, draft())
    registry.promote(KEY, 1, NOW, "ada")
    (registry.root / "behaviour" / "K-1" / "pointer.json").write_bytes(garbage)
    (place(registry, 1) / "manifest.json").write_bytes(garbage)
    for look in (lambda: registry.pointer(KEY), lambda: registry.manifest(KEY, 1)):
        with pytest.raises(Unusable):
            look()
    with pytest.raises(Unusable):
        unpack(garbage, (), "it")


def test_a_promotion_mends_a_garbled_pointer(registry: Registry):
    registry.add(KEY, b"1", FILE, draft())
    (registry.root / "behaviour" / "K-1" / "pointer.json").write_bytes(b"{")
    assert registry.add(KEY, b"2", FILE, draft()).version == 2
    with pytest.raises(Unusable, match="is garbled"):
        registry.pointer(KEY)
    assert registry.promote(KEY, 2, NOW, "ada").current == 2


def test_types_that_are_not_trusted_are_named_and_never_made(registry: Registry):
    forest = IsolationForest(n_estimators=2).fit(ROWS)
    registry.add(KEY, pack({"model": {"": forest}, "reference": ROWS}), FILE, draft())
    with pytest.raises(Unusable, match=r"types that are not trusted: .*"):
        load(registry, KEY, 1)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=4), PLAIN, max_size=4), st.integers(0, 5))
def test_plain_values_and_arrays_are_read_as_skops_reads_them(values: dict[str, Any], count: int):
    array = np.arange(3.0 * count).reshape(count, 3)
    content = pack({**values, "rows": array})
    ours, theirs = unpack(content, (), "it"), skops.io.loads(content)
    assert ours.keys() == theirs.keys()
    assert np.array_equal(ours.pop("rows"), theirs.pop("rows"))
    assert ours == theirs


def test_usual_behaviour_is_read_without_skops(registry: Registry):
    """Its import takes seconds, which an answer has not got."""
    registry.add(KEY, pack(state()), FILE, draft())
    script = (
        "import sys; from pathlib import Path\n"
        "from copilot_tools.models.registry.kinds import load\n"
        "from copilot_tools.models.registry.registry import Key, Registry\n"
        "print(load(Registry(Path(sys.argv[1])), Key('behaviour', 'K-1'), 1).manifest.name)\n"
        "print([name for name in ('skops', 'sklearn') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(registry.root)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines() == ["behaviour K-1 v1", "[]"]


def test_a_pickle_is_not_read(registry: Registry, tmp_path: Path):
    evil = tmp_path / "ran"
    content = b"cposix\nsystem\n(S'touch " + os.fsencode(evil) + b"'\ntR."
    registry.add(KEY, content, FILE, draft())
    with pytest.raises(Unusable, match="cannot be read"):
        load(registry, KEY, 1)
    assert not evil.exists()


def test_a_file_that_unpacks_to_far_too_much_is_refused():
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3):
            archive.writestr(f"{i}.npy", bytes(45 << 20))
    with pytest.raises(Unusable, match="more than any model holds"):
        unpack(stream.getvalue(), (), "it")


def test_another_model_in_the_file_is_an_honest_answer(registry: Registry):
    registry.add(KEY, pack({"model": {"": {"point": {}}}, "reference": ROWS}), FILE, draft())
    registry.add(KEY, pack({"other": ROWS}), FILE, draft())
    registry.add(KEY, pack([ROWS]), FILE, draft())  # type: ignore[arg-type]
    for version in (1, 2, 3):
        with pytest.raises(Unusable, match="holds no"):
            load(registry, KEY, version)


def test_an_unknown_kind_is_named():
    with pytest.raises(Failed, match="no kind of model 'tarot'; there are remaining-life"):
        kind_named("tarot")


def test_old_versions_go_but_not_those_the_pointer_names(registry: Registry):
    for version in range(1, 8):
        registry.add(KEY, bytes(version), FILE, draft())
    registry.promote(KEY, 1, NOW, "ada")
    registry.promote(KEY, 3, NOW, "ada")
    assert registry.prune(KEY, 2) == [2, 4, 5]
    assert registry.versions(KEY) == [1, 3, 6, 7]
    assert registry.prune(KEY, 0) == [6]  # 7 runs along, and its number is never given again
    assert registry.add(KEY, b"8", FILE, draft()).version == 8
    assert registry.roll_back(KEY, NOW, "ada").current == 1
    (registry.folder(KEY) / "pointer.json").write_bytes(b"{")
    with pytest.raises(Unusable, match="is garbled"):
        registry.prune(KEY, 1)
    assert registry.versions(KEY) == [1, 3, 7, 8]


def test_a_copy_made_while_models_change_is_whole(registry: Registry, tmp_path: Path):
    def go_on() -> None:
        for number in range(1, 25):
            registry.add(KEY, b"model %d" % number, FILE, draft())
            registry.promote(KEY, number, NOW, "ada")
            registry.prune(KEY, 1)

    assert not copy_models(registry, tmp_path / "none")
    registry.add(Key("vision", "camera"), b"onnx", "model.onnx", draft())
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(go_on)
        number = 0
        while not going.done():
            number += 1
            assert copy_models(registry, tmp_path / str(number))
        going.result()
    for copied in (Registry(tmp_path / str(n + 1)) for n in range(number)):
        assert Key("vision", "camera") in copied.models()
        for key in copied.models():
            pointer, there = copied.pointer(key), copied.versions(key)
            assert {pointer.current, pointer.previous, pointer.shadow} - {None} <= {*there}
            for version in there:
                copied.content(copied.manifest(key, version))


def test_a_file_that_is_no_model_stops_a_copy_in_one_line(registry: Registry, tmp_path: Path):
    registry.add(KEY, b"1", FILE, draft())
    with (place(registry, 1) / "huge").open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(Failed, match="huge is larger than any model; move it out"):
        copy_models(registry, tmp_path / "one")
    (place(registry, 1) / "huge").unlink()
    (place(registry, 1) / "odd").mkdir()
    with pytest.raises(Failed, match="odd cannot be read: Is a directory"):
        copy_models(registry, tmp_path / "two")
