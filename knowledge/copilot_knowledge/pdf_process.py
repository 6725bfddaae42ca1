"""PDFs are read in a process of its own: a file that would take all memory ends only that process.

It is asked with the name of a file a line, as JSON, and answers with what the file holds.
"""

import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from copilot_knowledge.document import Block, PdfContent, UnreadableDocument

MOST_MEMORY = 1_000_000_000  # bytes
LONGEST_S = 600  # of the processor's time, a file


class PdfProcess:
    """Started by the first file and used for all; leaving the context ends it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, file: Path) -> PdfContent:
        """What a PDF holds; raises UnreadableDocument."""
        process = self._process = self._process or _start()
        assert process.stdin
        assert process.stdout
        answer = ""
        with suppress(BrokenPipeError):
            process.stdin.write(f"{json.dumps(str(file))}\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        if not answer:
            self.close()
            raise UnreadableDocument(
                f"reading it takes more than {MOST_MEMORY // 1_000_000} MB of memory "
                f"or {LONGEST_S // 60} minutes, or breaks the reader"
            )
        return _content(json.loads(answer))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _start() -> "subprocess.Popen[str]":
    # -P: nothing is imported from the working directory.
    command = [sys.executable, "-P", "-m", "copilot_knowledge.pdf_process"]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="ascii",
        start_new_session=True,  # Ctrl-C is for the program, not for the file that is read
    )


def _content(answer: dict[str, Any]) -> PdfContent:
    if "why" in answer:
        raise UnreadableDocument(answer["why"])
    blocks = tuple(Block(*fields) for fields in answer["blocks"])
    return PdfContent(answer["pages"], answer["stated"], blocks)


def _answer(file: Path) -> dict[str, Any]:
    from copilot_knowledge.pdf_content import read_content  # only the process itself needs pdfium

    try:
        content = read_content(file)
    except UnreadableDocument as error:
        return {"why": str(error)}
    blocks = [[b.kind, b.text, b.page, b.level, b.caption, b.header] for b in content.blocks]
    return {"pages": content.pages, "stated": content.stated, "blocks": blocks}


def _limit() -> None:
    """Bound the memory of this process, and its time from now on, where the system can do that."""
    with suppress(ImportError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, most))
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + LONGEST_S, most))


def main() -> None:
    """Answer until nobody asks any more; whoever stops the program stops asking."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in sys.stdin:
        _limit()
        print(json.dumps(_answer(Path(json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
