"""The embedded model for tests; its weights are prepared once for all of them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from copilot.llm.engine import Engine
from copilot.llm.planner import LlamaPlanner
from copilot.llm.weights import prepare_weights
from copilot.settings import ModelSettings
from copilot_tools.catalogue import CATALOGUE


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.getbasetemp() / "model-cache"
    prepare_weights(cache)
    return cache


@pytest.fixture(scope="module")
def engine(model_cache: Path) -> Iterator[Engine]:
    engine = Engine(prepare_weights(model_cache))
    yield engine
    engine.close()


@pytest.fixture
async def planner(model_cache: Path) -> AsyncIterator[LlamaPlanner]:
    planner = LlamaPlanner(ModelSettings(threads=1), model_cache, CATALOGUE)
    await planner.warm()
    yield planner
    await planner.close()
