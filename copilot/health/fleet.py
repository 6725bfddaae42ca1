"""Runs many pieces of work at once: in processes of this machine, or on a Dask cluster by URL.

What goes to a worker and comes back are arrays, numbers and the bytes of model files.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from copilot_tools.errors import Failed, ToolError, Unavailable

Job = TypeVar("Job")
Result = TypeVar("Result")

CONNECT_S = 5.0
_SOURCE = "Dask scheduler"


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """The piece of work number `place`: its result, or what kept it from having one."""

    place: int
    result: Result | None
    error: ToolError | None = None

    @property
    def why(self) -> str:
        """In one line why there is no result; empty where there is one."""
        return "" if self.error is None else str(self.error)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Where work is done: on the cluster of `scheduler` ("tcp://..."), else in `workers` processes.

    Raises Unavailable when the cluster cannot be reached, or is lost while at work. One piece of
    work that fails does not end the others.
    """

    workers: int = 1
    scheduler: str = ""

    def run(self, work: Callable[[Job], Result], jobs: Sequence[Job]) -> Iterator[Done[Result]]:
        """Do all jobs; what is done first comes first."""
        if not jobs:
            return
        if self.scheduler:
            yield from self._on_dask(work, jobs)
        elif self.workers > 1 and len(jobs) > 1:
            yield from self._in_processes(work, jobs)
        else:
            yield from (_try(work, place, job) for place, job in enumerate(jobs))

    def _in_processes(
        self, work: Callable[[Job], Result], jobs: Sequence[Job]
    ) -> Iterator[Done[Result]]:
        from joblib import Parallel, delayed  # type: ignore[import-untyped]

        parallel = Parallel(n_jobs=self.workers, return_as="generator_unordered", batch_size=1)
        yield from parallel(delayed(_try)(work, place, job) for place, job in enumerate(jobs))

    def _on_dask(
        self, work: Callable[[Job], Result], jobs: Sequence[Job]
    ) -> Iterator[Done[Result]]:
        try:
            import distributed
        except ImportError:
            raise Unavailable(
                _SOURCE, "install the extra `fleet`: pip install 'industrial-copilot[fleet]'"
            ) from None
        self._reach()
        dask: Any = distributed  # it has types for a few of its parts only
        try:
            client = dask.Client(self.scheduler, timeout=CONNECT_S)
        except (OSError, ValueError, TypeError) as error:  # a TimeoutError is an OSError
            raise Unavailable(f"{_SOURCE} {self.scheduler}", _reason(error)) from None
        with client:
            if not client.scheduler_info(n_workers=-1)["workers"]:
                raise Unavailable(f"{_SOURCE} {self.scheduler}", "it has no workers")
            futures = client.map(_try, [work] * len(jobs), range(len(jobs)), jobs, pure=False)
            places = {future.key: place for place, future in enumerate(futures)}
            for future in dask.as_completed(futures):
                yield self._outcome(future, places[future.key])

    def _reach(self) -> None:
        """Knock first: a client that finds nobody would be long in giving up, and in closing."""
        name = f"{_SOURCE} {self.scheduler}"
        address = urlsplit(self.scheduler)
        try:
            host, port = address.hostname, address.port
        except ValueError:
            host = port = None
        if address.scheme not in ("tcp", "tls") or not host or not port:
            raise Unavailable(name, "its address must be like tcp://host:8786")
        try:
            socket.create_connection((host, port), timeout=CONNECT_S).close()
        except OSError as error:
            raise Unavailable(name, _reason(error)) from None

    def _outcome(self, future: Any, place: int) -> Done[Any]:
        if future.status == "finished":
            done: Done[Any] = future.result()
            return done
        if future.status in ("lost", "cancelled"):
            raise Unavailable(f"{_SOURCE} {self.scheduler}", "it was lost while at work")
        return Done(place, None, Failed(f"its worker ended: {_reason(future.exception())}"))


def _try(work: Callable[[Job], Result], place: int, job: Job) -> Done[Result]:
    try:
        return Done(place, work(job))
    except ToolError as error:
        return Done(place, None, error)
    except Exception as error:  # The boundary of a piece of work, as of a turn.
        return Done(place, None, Failed(f"{type(error).__name__}: {_reason(error)}"))


def _reason(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
