import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import cryptography
import pytest
from audit_fixture import NOW, alter, open_signer
from sqlalchemy import Engine

from copilot import db
from copilot.audit import export as export_module
from copilot.audit.checkpoints import read_file
from copilot.audit.export import VERIFIER, Evidence, export
from copilot.audit.keys import SigningKey
from copilot.audit.log import Entry, append
from copilot.audit.verify import verify_database
from copilot.canonical import digest, write_canonical
from copilot_evals.audit_log import write_proposals
from copilot_tools.errors import Retry

POLICY = "permit (principal, action, resource);\n"
SCRIPT = Path(export_module.__file__).parent / VERIFIER
INSTALLED = Path(cryptography.__file__).parents[1]
ALONE = """
import runpy, sys
sys.path.append(sys.argv.pop(1))
try:
    import copilot
except ImportError:
    sys.argv.pop(0)
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def witness(own_engine: Engine, tmp_path: Path) -> Path:
    """A signed log of forty rows, two of them about other things, and its file of checkpoints."""
    file = tmp_path / "checkpoints.jsonl"
    signer = open_signer(own_engine, tmp_path, files=(file,))
    with db.writing(own_engine) as connection:
        loaded = {"policy": digest(POLICY), "policy_text": POLICY}
        append(connection, Entry("policy.loaded", "system", "", loaded), NOW)
    for number in range(39):
        with db.writing(own_engine) as connection:
            data = {"number": number, "reason": "Zeile\u2028zwei, größer \"'"}
            append(connection, Entry("switch.stop", "s.berg", "", data), NOW)
        signer.tick()
    signer.sign()
    return file


def pack(engine: Engine, witness: Path, output: Path) -> Path:
    public_key = (witness.parent / "audit.key.pub").read_text()
    export(engine, Evidence(public_key, NOW, "works", tuple(read_file(witness))), output)
    return output


def write_pack(
    path: Path, rows: list[str], checkpoints: list[str], public_key: str, first: int = 1
) -> Path:
    """A pack as somebody without the log could make it."""
    texts = {
        "rows.jsonl": "".join(f"{row}\n" for row in rows),
        "checkpoints.jsonl": "".join(f"{line}\n" for line in checkpoints),
        "public_key.pem": public_key,
        VERIFIER: SCRIPT.read_text(),
    }
    manifest = {"site": "works", "proposal": None, "first": first, "head": None}
    listed = {name: digest(text) for name, text in texts.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
        archive.writestr("manifest.json", write_canonical({**manifest, "files": listed}))
    return path


def replay(path: Path, *arguments: str) -> tuple[int, str]:
    """What a pack's own script says, run where nothing but cryptography can be imported."""
    alone = path.with_suffix("")
    alone.mkdir(exist_ok=True)
    with zipfile.ZipFile(path) as archive:
        script = archive.extract(VERIFIER, alone)
    packages = alone / "packages"
    if not packages.exists():
        packages.mkdir()
        for name in ("cryptography", "cffi"):
            (packages / name).symlink_to(INSTALLED / name)
        for library in INSTALLED.glob("_cffi_backend*"):
            (packages / library.name).symlink_to(library)
    program = [sys.executable, "-I", "-S", "-c", ALONE, str(packages), script, str(path)]
    done = subprocess.run([*program, *arguments], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()[-1]


def test_a_pack_is_found_whole_by_its_own_script(own_engine: Engine, witness: Path, tmp_path: Path):
    path = pack(own_engine, witness, tmp_path / "pack.zip")
    code, last = replay(path)
    assert code == 0
    assert last.startswith("ok: rows 1 to 40, all signed, site works, key ")
    assert replay(path, str(tmp_path / "audit.key.pub")) == (0, last)
    with zipfile.ZipFile(path) as archive:
        assert archive.read(f"policies/{digest(POLICY)}.txt").decode() == POLICY


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET row = replace(row, 's.berg', 's.borg') WHERE seq = 17",
        "UPDATE audit SET proposal = 'x' WHERE seq = 21",
        "UPDATE audit SET hash = row WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 33",
        "DELETE FROM audit WHERE seq > 37",
        "DELETE FROM audit WHERE seq < 4",
        "UPDATE audit SET row = 'nothing' WHERE seq = 40",
        "UPDATE audit_head SET hash = 'x'",
        "UPDATE audit_head SET seq = 38",
        "UPDATE checkpoints SET text = replace(text, 'works', 'walks') WHERE seq = 20",
        "UPDATE checkpoints SET text = '{}' WHERE seq = 20",
    ],
)
def test_the_script_comes_to_the_same_verdict(
    own_engine: Engine, witness: Path, tmp_path: Path, statement: str
):
    if own_engine.dialect.name == "postgresql":
        statement = statement.replace("hash = row", "hash = left(row, 60)")
    alter(own_engine, statement)
    public_key = (tmp_path / "audit.key.pub").read_text()
    verdict = verify_database(own_engine, public_key, [witness])
    assert not verdict.ok
    path = pack(own_engine, witness, tmp_path / "pack.zip")
    assert replay(path) == (1, f"DAMAGED: {verdict.problem}")


def test_a_pack_that_was_altered_is_noticed(own_engine: Engine, witness: Path, tmp_path: Path):
    path = pack(own_engine, witness, tmp_path / "pack.zip")
    altered = tmp_path / "altered.zip"
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(altered, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "rows.jsonl":
                content = content.replace(b"s.berg", b"s.borg")
            after.writestr(name, content)
    problem = "DAMAGED: rows.jsonl is not the file that the manifest lists"
    assert replay(altered) == (1, problem)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("rows.txt", "")
    assert replay(path)[0] == 1


def test_another_key_than_the_plants_convinces_nobody(
    own_engine: Engine, witness: Path, tmp_path: Path
):
    stranger = tmp_path / "stranger"
    SigningKey.open(stranger)
    path = pack(own_engine, witness, tmp_path / "pack.zip")
    code, last = replay(path, f"{stranger}.pub")
    assert code == 1
    assert "is not signed with the key" in last


def test_a_pack_about_one_proposal_reaches_to_the_next_checkpoint(
    own_engine: Engine, tmp_path: Path
):
    signer = open_signer(own_engine, tmp_path)
    write_proposals(own_engine, 12, signer.tick)
    output = tmp_path / "pack.zip"
    evidence = Evidence(signer.public_pem, NOW, "works", proposal=4)
    rows = export(own_engine, evidence, output)
    assert 4 < rows < 24
    with zipfile.ZipFile(output) as archive:
        first = json.loads(archive.read("manifest.json"))["first"]
    code, last = replay(output)
    assert (code, last.split(",")[0]) == (0, f"ok: rows {first} to {first + rows - 1}")
    with zipfile.ZipFile(output) as archive:
        assert b"K-3.speed" in archive.read("rows.jsonl")
        assert b"K-10.speed" not in archive.read("rows.jsonl")
    with pytest.raises(Retry, match="no proposal 99"):
        export(own_engine, replace(evidence, proposal=99), tmp_path / "none.zip")
    with pytest.raises(Retry, match="overwritten"):
        export(own_engine, evidence, output)


@pytest.mark.parametrize("first", [1, 100])
def test_a_forged_pack_without_a_signature_is_never_ok(tmp_path: Path, first: int):
    """Anybody can chain rows and hash them; only the plant can sign."""
    public = tmp_path / "plant.pub"
    public.write_text(SigningKey.open(tmp_path / "audit.key").public_pem)
    rows, link = [], ("f" if first > 1 else "0") * 64
    for seq in range(first, first + 5):
        at = f"2026-01-01T00:00:0{seq - first}.000000Z"
        said = {"seq": seq, "at": at, "kind": "approval.given", "actor": "sara", "proposal": "p"}
        text = write_canonical({**said, "data": {"reason": "FORGED"}, "previous": link})
        link = digest(text)
        rows.append(write_canonical({"seq": seq, "row": text, "hash": link, "proposal": "p"}))
    forged = write_pack(tmp_path / "forged.zip", rows, [], public.read_text(), first)
    end = first + 4
    assert replay(forged, str(public)) == (2, f"NOT SIGNED: rows {first} to {end}")


def test_an_empty_pack_is_not_ok(tmp_path: Path):
    public_key = SigningKey.open(tmp_path / "audit.key").public_pem
    assert replay(write_pack(tmp_path / "empty.zip", [], [], public_key)) == (
        2,
        "NOT SIGNED: no rows",
    )


def test_rows_behind_the_newest_checkpoint_are_named(
    own_engine: Engine, witness: Path, tmp_path: Path
):
    with db.writing(own_engine) as connection:
        for _ in range(2):
            append(connection, Entry("switch.stop", "s.berg", "", {}), NOW)
    path = pack(own_engine, witness, tmp_path / "pack.zip")
    assert replay(path) == (2, "NOT SIGNED: rows 41 to 42")


def test_checkpoints_of_another_site_vouch_for_nothing(
    own_engine: Engine, witness: Path, tmp_path: Path
):
    public_key = (tmp_path / "audit.key.pub").read_text()
    problem = "rows 1 to 10: the checkpoint of row 10 is of works, not of mill"
    assert verify_database(own_engine, public_key, [witness], "mill").problem == problem
    path = tmp_path / "pack.zip"
    export(own_engine, Evidence(public_key, NOW, "mill"), path)
    assert replay(path) == (1, f"DAMAGED: {problem}")


def test_what_a_pack_holds_does_not_steer_the_auditors_terminal(own_engine: Engine, tmp_path: Path):
    signer = open_signer(own_engine, tmp_path)
    with db.writing(own_engine) as connection:
        append(connection, Entry("switch.stop", "\x1b[2K\r\u202eok: all", "", {}), NOW)
    signer.sign()
    path = tmp_path / "pack.zip"
    export(own_engine, Evidence(signer.public_pem, NOW, "works"), path)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(path)], capture_output=True, text=True, check=True
    )
    assert all(line.isprintable() for line in done.stdout.split("\n"))
    assert "[2K" in done.stdout
