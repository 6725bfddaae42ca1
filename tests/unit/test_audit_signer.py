import json
import os
import socket
import threading
from pathlib import Path

import pytest
from audit_fixture import NOW, alter, open_signer
from pydantic import ValidationError
from sqlalchemy import Engine, text

from copilot import db
from copilot.audit.checkpoints import read_file, read_lines, read_stored, write_line
from copilot.audit.keys import SigningKey
from copilot.audit.log import Entry, append
from copilot.audit.settings import CheckpointSettings
from copilot.audit.signer import Signer
from copilot.audit.verify import verify_database
from copilot_tools.errors import Failed

EVENT = Entry("switch.stop", "s.berg", "", {"reason": "test"})


def write(engine: Engine, rows: int) -> None:
    with db.writing(engine) as connection:
        for _ in range(rows):
            append(connection, EVENT, NOW)


def test_the_key_is_made_once_and_is_the_executors_alone(tmp_path: Path):
    first = SigningKey.open(tmp_path / "state" / "audit.key")
    assert os.stat(tmp_path / "state" / "audit.key").st_mode & 0o777 == 0o600
    assert SigningKey.open(tmp_path / "state" / "audit.key").id == first.id
    assert (tmp_path / "state" / "audit.key.pub").read_text() == first.public_pem
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == [
        "audit.key",
        "audit.key.pub",
    ]


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path):
    SigningKey.open(tmp_path / "audit.key")
    (tmp_path / "audit.key").chmod(0o640)
    with pytest.raises(Failed, match="chmod 600"):
        SigningKey.open(tmp_path / "audit.key")


def test_what_a_replaced_key_signed_can_still_be_checked(own_engine: Engine, tmp_path: Path):
    write(own_engine, 3)
    open_signer(own_engine, tmp_path).sign()
    (tmp_path / "audit.key").unlink()
    write(own_engine, 3)
    signer = open_signer(own_engine, tmp_path)
    signer.sign()
    assert signer.problem == ""
    verdict = verify_database(own_engine, signer.public_pem)
    assert (verdict.ok, verdict.signed) == (True, 6)


def test_checkpoints_come_every_so_many_rows_and_minutes(own_engine: Engine, tmp_path: Path):
    seconds = [0.0]
    settings = CheckpointSettings(key=tmp_path / "audit.key", every_rows=10, every_minutes=5)
    signer = Signer(own_engine, settings, "works", lambda: NOW, lambda: seconds[0])
    for rows, at, expected in ((9, 0, []), (1, 0, [10]), (3, 100, [10]), (0, 301, [10, 13])):
        write(own_engine, rows)
        seconds[0] = at
        signer.tick()
        with db.reading(own_engine) as connection:
            assert [checkpoint.seq for checkpoint in read_stored(connection)] == expected
    seconds[0] = 10_000
    signer.tick()
    with db.reading(own_engine) as connection:
        assert len(read_stored(connection)) == 2, "nothing new, nothing signed"


def test_a_sink_gets_later_what_it_could_not_take(own_engine: Engine, tmp_path: Path):
    away = tmp_path / "share"
    signer = open_signer(own_engine, tmp_path, files=(away / "checkpoints.jsonl",))
    for _ in range(2):
        write(own_engine, 10)
        signer.tick()
    assert "share" in signer.problem
    assert signer.healthy(), "sinks are not required here"
    away.mkdir()
    signer.tick()
    assert signer.problem == ""
    assert [c.seq for c in read_file(away / "checkpoints.jsonl")] == [10, 20]


def test_a_required_sink_that_fails_stops_writing(own_engine: Engine, tmp_path: Path):
    away = tmp_path / "share"
    files = (away / "checkpoints.jsonl",)
    signer = open_signer(own_engine, tmp_path, files=files, require_sinks=True)
    write(own_engine, 1)
    assert not signer.healthy()
    away.mkdir()
    assert signer.healthy()
    assert [c.seq for c in read_file(files[0])] == [1], "signed before anything may be sent"


def test_an_altered_log_is_not_signed_and_stops_writing(own_engine: Engine, tmp_path: Path):
    signer = open_signer(own_engine, tmp_path)
    write(own_engine, 10)
    signer.tick()
    write(own_engine, 10)
    alter(own_engine, "UPDATE audit SET row = replace(row, 'test', 'tess') WHERE seq = 13")
    signer.tick()
    assert signer.problem == "row 13: its content does not match its hash"
    assert not signer.healthy()
    assert open_signer(own_engine, tmp_path).healthy(), "nothing was looked at yet"
    restarted = open_signer(own_engine, tmp_path)
    restarted.sign()
    assert not restarted.healthy()


def test_a_log_that_cannot_be_checked_stops_writing_until_it_can(
    own_engine: Engine, tmp_path: Path
):
    signer = open_signer(own_engine, tmp_path)
    write(own_engine, 1)
    alter(own_engine, "ALTER TABLE audit RENAME TO hidden")
    signer.sign()
    assert not signer.healthy()
    alter(own_engine, "ALTER TABLE hidden RENAME TO audit")
    signer.tick()
    assert (signer.healthy(), signer.problem) == (True, "")


def test_a_log_that_got_shorter_is_not_signed(own_engine: Engine, tmp_path: Path):
    signer = open_signer(own_engine, tmp_path)
    write(own_engine, 12)
    signer.sign()
    alter(own_engine, "DELETE FROM audit WHERE seq > 5")
    with db.writing(own_engine) as connection:
        link = connection.execute(text("SELECT hash FROM audit WHERE seq = 5")).scalar()
        moved = text("UPDATE audit_head SET seq = 5, hash = :hash")
        connection.execute(moved, {"hash": link})
    signer.sign()
    assert "missing" in signer.problem
    assert not signer.healthy()


def test_a_torn_line_is_passed_over_and_never_glued_to(own_engine: Engine, tmp_path: Path):
    file = tmp_path / "checkpoints.jsonl"
    write(own_engine, 10)
    signer = open_signer(own_engine, tmp_path, files=(file,))
    signer.tick()
    file.write_bytes(file.read_bytes() + b'{"signature":"12')
    write(own_engine, 10)
    signer.tick()
    assert [checkpoint.seq for checkpoint in read_file(file)] == [10, 20]


def test_syslog_over_tcp_carries_each_checkpoint_as_one_frame(own_engine: Engine, tmp_path: Path):
    received = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        collector = threading.Thread(target=_collect, args=(server, received))
        collector.start()
        write(own_engine, 10)
        signer = open_signer(
            own_engine, tmp_path, syslog=(f"tcp://127.0.0.1:{port}",), require_sinks=True
        )
        assert signer.healthy()
        collector.join()
    length, _, message = bytes(received).decode().partition(" ")
    assert int(length) == len(message.encode())
    assert message.startswith("<110>1 20")
    with db.reading(own_engine) as connection:
        assert read_lines([message]) == read_stored(connection)
    write(own_engine, 1)
    assert not signer.healthy(), "the collector is gone"


def test_syslog_over_udp(own_engine: Engine, tmp_path: Path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(10)
        port = collector.getsockname()[1]
        write(own_engine, 10)
        open_signer(own_engine, tmp_path, syslog=(f"udp://127.0.0.1:{port}",)).tick()
        message = collector.recv(4096).decode()
    assert read_lines([message])[0].seq == 10


@pytest.mark.parametrize(
    "content",
    [
        {"require_sinks": True},
        {"require_sinks": True, "syslog": ["udp://logs:514"]},
        {"syslog": ["logs"]},
        {"syslog": ["http://logs:80"]},
        {"every_rows": 0},
    ],
)
def test_settings_that_would_not_witness_are_refused(content: dict[str, object]):
    with pytest.raises(ValidationError):
        CheckpointSettings.model_validate(content)


def test_a_line_says_what_was_signed_and_where(own_engine: Engine, tmp_path: Path):
    write(own_engine, 2)
    open_signer(own_engine, tmp_path).sign()
    with db.reading(own_engine) as connection:
        said = json.loads(json.loads(write_line(read_stored(connection)[0]))["text"])
    assert said.keys() == {"seq", "hash", "at", "site", "key"}
    assert (said["seq"], said["site"], said["at"]) == (2, "works", "2026-11-21T12:00:00.000000Z")


def _collect(server: socket.socket, received: bytearray) -> None:
    connection, _ = server.accept()
    with connection:
        while part := connection.recv(4096):
            received += part
