"""Checks an evidence pack of the industrial copilot, offline and without any of its code.

    python verify_evidence.py pack.zip [public_key.pem]

Needs Python 3.11 and cryptography. Give the public key as the plant published it; else the pack's
own is taken, and its id printed. Exit code 1 names the first rows that are not what was written,
exit code 2 those that no signature vouches for: whoever made the pack can have made them.
"""

import hashlib
import json
import sys
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

FIELDS = {"seq", "at", "kind", "actor", "proposal", "data", "previous"}
END = "-----END PUBLIC KEY-----"


def span(first: int, last: int) -> str:
    """These rows in words."""
    return f"row{'' if first == last else f's {first} to'} {last}"


def fail(first: int, last: int, what: str) -> ValueError:
    """What is raised when these rows are not what was written."""
    return ValueError(f"{span(first, last)}: {what}")


def say(*words: object) -> None:
    """Print one line; a character of the pack that would steer the terminal as a mark."""
    print("".join(c if c.isprintable() else "\ufffd" for c in " ".join(map(str, words))))


def strict(text: str) -> dict[str, Any]:
    """The object in a JSON text, without duplicate keys and NaN."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("holds a key twice")
        return dict(pairs)

    def exact(text: str) -> float:
        if not Decimal(text).is_finite() or Decimal(repr(float(text))) != Decimal(text):
            raise ValueError(f"holds {text}, which is no number that can be kept")
        return float(text)

    content = json.loads(text, object_pairs_hook=unique, parse_float=exact, parse_constant=exact)
    if not isinstance(content, dict):
        raise ValueError("is not a JSON object")
    return content


def read_keys(pem: str) -> dict[str, Any]:
    """The keys in a PEM text, by the first 16 digits of the SHA-256 of their bytes."""
    raw, keys = (serialization.Encoding.Raw, serialization.PublicFormat.Raw), {}
    for block in pem.split(END)[:-1]:
        key = serialization.load_pem_public_key(f"{block.strip()}\n{END}\n".encode())
        keys[hashlib.sha256(key.public_bytes(*raw)).hexdigest()[:16]] = key
    return keys


def check_files(pack: zipfile.ZipFile, listed: dict[str, str]) -> None:
    """Raise ValueError unless the pack holds exactly the files of its manifest."""
    if sorted(pack.namelist()) != sorted([*listed, "manifest.json"]):
        raise ValueError("the pack does not hold the files that its manifest lists")
    for name, expected in listed.items():
        with pack.open(name) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:  # type: ignore[arg-type]
                raise ValueError(f"{name} is not the file that the manifest lists")


def check_row(row: dict[str, Any], seq: int, link: str, at: str) -> dict[str, Any]:
    """The row's content, when it follows row `seq`, whose hash is `link`, written at `at`."""
    here = row["seq"]
    if here > seq + 1:
        raise fail(seq + 1, here - 1, "missing")
    if here < seq + 1:
        raise fail(here, here, "there twice, or out of order")
    if hashlib.sha256(row["row"].encode()).hexdigest() != row["hash"]:
        raise fail(here, here, "its content does not match its hash")
    try:
        content = strict(row["row"])
    except ValueError as error:
        raise fail(here, here, str(error)) from None
    if content.keys() != FIELDS or not isinstance(content["at"], str):
        raise fail(here, here, "is no audit row")
    if content["seq"] != here:
        raise fail(here, here, f"holds the content of row {content['seq']}")
    if content["proposal"] != row["proposal"]:
        raise fail(here, here, "filed under another proposal")
    if link and content["previous"] != link:
        raise fail(max(seq, 1), here, f"row {here} does not follow what stands")
    if content["at"] < at and content["kind"] != "clock.accepted":
        raise fail(max(seq, 1), here, f"row {here} is earlier than the one before")
    return content


def check_signed(
    claim: dict[str, Any], keys: dict[str, Any], site: str, seq: int, link: str, ok: int
) -> None:
    """Whether this checkpoint vouches for row `seq`; `ok` is the last row that another does."""
    try:
        said = strict(claim["text"])
        key, of, signed = said["key"], said["site"], (said["seq"], said["hash"])
    except (ValueError, KeyError):
        raise fail(ok + 1, seq, f"the checkpoint of row {seq} is damaged") from None
    try:
        keys[key].verify(bytes.fromhex(claim["signature"]), claim["text"].encode())
    except (KeyError, TypeError, ValueError, InvalidSignature):
        what = f"the checkpoint of row {seq} is not signed with the key {key}"
        raise fail(ok + 1, seq, what) from None
    if of != site:
        raise fail(ok + 1, seq, f"the checkpoint of row {seq} is of {of}, not of {site}")
    if signed != (seq, link):
        raise fail(ok + 1, seq, f"not those that were signed at row {seq}")


def replay(pack: zipfile.ZipFile, manifest: dict[str, Any], keys: dict[str, Any]) -> int:
    """Print each event, and up to which row they are signed; the exit code."""
    seq = start = manifest["first"] - 1
    signed, site = 0, manifest["site"]
    link, at = "" if start else "0" * 64, ""
    waiting: dict[int, list[dict[str, Any]]] = {}
    for claim in (strict(line.decode()) for line in pack.open("checkpoints.jsonl")):
        waiting.setdefault(claim["seq"], []).append(claim)
    for row in (strict(line.decode()) for line in pack.open("rows.jsonl")):
        content = check_row(row, seq, link, at)
        seq, link, at = row["seq"], row["hash"], content["at"]
        for claim in (claims := waiting.pop(seq, [])):
            check_signed(claim, keys, site, seq, link, max(signed, start))
        signed = seq if claims else signed
        say(seq, at, content["kind"], content["actor"], content["proposal"])
    if (newest := max(waiting, default=seq)) > seq:
        raise fail(seq + 1, newest, "missing, though they were signed")
    if (head := manifest["head"]) and head["seq"] > seq:
        raise fail(seq + 1, head["seq"], "missing, though the log was once that long")
    if head and head["seq"] < seq:
        raise fail(head["seq"] + 1, seq, "added behind the end of the log")
    if head and (head["hash"] != link or (seq > start and head["at"] != at)):
        raise fail(seq, seq, "not the one the log ended with")
    if start:
        say(f"A part: what row {start + 1} was written behind rests on the signatures after it.")
    if signed < seq or not signed:
        say(f"NOT SIGNED: {span(max(signed, start) + 1, seq) if seq > start else 'no rows'}")
        return 2
    say(f"ok: {span(start + 1, seq)}, all signed, site {site}, key {', '.join(keys)}")
    return 0


def main(path: str, key: str = "") -> int:
    """Print what was found; 0 when all is as it was written and signed."""
    try:
        with zipfile.ZipFile(path) as pack:
            manifest = strict(pack.read("manifest.json").decode())
            check_files(pack, manifest["files"])
            keys = read_keys(Path(key).read_text() if key else pack.read("public_key.pem").decode())
            return replay(pack, manifest, keys)
    except (ValueError, KeyError, TypeError, RecursionError, zipfile.BadZipFile) as problem:
        say(f"DAMAGED: {problem}")
    except OSError as problem:
        say(f"cannot be read: {problem}")
    return 1


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python verify_evidence.py PACK.zip [PUBLIC_KEY.pem]")
    sys.exit(main(*sys.argv[1:]))
