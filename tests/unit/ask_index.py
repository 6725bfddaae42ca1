"""Opens a library's index in a process of its own and prints what is nearest to some vectors.

Network sockets are forbidden here. Arguments: the database, the folder of the index, how many
vectors are compared one by one. Prints whether there is a nearest-neighbour index, and positions.
"""

import json
import sys
from pathlib import Path

import numpy as np

from copilot_knowledge.database import WIDTH, Database
from copilot_knowledge.index import open_index
from copilot_knowledge.ranking import first

FORBIDDEN = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo")


def nearest(store: Path, folder: Path, scanned: int) -> tuple[bool, list[list[int]]]:
    """Whether chromadb answers, and the best ten positions for each of some vectors."""
    database = Database(store)
    numbers = [manual.number for manual in database.manuals()]
    index = open_index(database, numbers, folder, scanned=scanned)
    assert index.vectors is not None
    every = np.ones(len(index.chunks), np.bool_)
    asked = np.random.default_rng(77).normal(size=(20, WIDTH)).astype(np.float32)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    found = [first(index.vectors.cosines(vector, every, []), 10) for vector in asked]
    known = index.neighbours is not None
    index.close()
    database.close()
    return known, found


def _no_sockets(event: str, _: object) -> None:
    if event in FORBIDDEN:
        raise RuntimeError(f"{event} is forbidden here")


if __name__ == "__main__":
    sys.addaudithook(_no_sockets)
    print(json.dumps(nearest(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
