"""The embedded model as a LangChain chat model whose answers a grammar constrains."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict

from copilot.llm.engine import CONTEXT, Engine
from copilot.llm.generation import Written, prime, write
from copilot.llm.grammar import Grammar
from copilot.llm.prefix_cache import PrefixCache
from copilot.llm.threads import current_threads
from copilot.llm.tokens import Prompt, encode
from copilot.llm.weights import identity, prepare_weights
from copilot.llm.worker import OnQueue, Ticket, Worker

MOST_TOKENS = 256
WARM_LIMIT_S = 300.0

Work = Callable[[Engine, Ticket], Written]


class ChatLlama(BaseChatModel):
    """A GGUF model in this process; every call needs a `grammar` and may have an `on_queue`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    worker: Worker[Engine]
    prefixes: PrefixCache
    threads: int | None = None
    limit_s: float = 30.0
    most_tokens: int = MOST_TOKENS

    @classmethod
    def embedded(
        cls, cache: Path, *, threads: int | None = None, limit_s: float = 30.0
    ) -> "ChatLlama":
        """The planner's model; its weights are prepared in `cache` and loaded at first use."""
        worker = Worker(lambda: Engine(prepare_weights(cache)))
        depends = f"{identity()} {version('llama-cpp-python')} {CONTEXT}"
        prefixes = PrefixCache(cache / "prefixes", depends)
        return cls(worker=worker, prefixes=prefixes, threads=threads, limit_s=limit_s)

    async def warm(self, messages: Sequence[BaseMessage]) -> None:
        """Load the model and read what stays the same of a prompt: the first answer is quicker."""

        def work(engine: Engine, ticket: Ticket) -> int:
            prompt = self._prepare(engine, messages)
            return prime(engine, self.prefixes, prompt, ticket.checkpoint)

        await self.worker.run(work, limit_s=WARM_LIMIT_S)

    async def close(self) -> None:
        """Stop what runs and free the model."""
        await asyncio.to_thread(self.worker.close)

    @property
    def _llm_type(self) -> str:
        return "llama.cpp"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        work = self._work(messages, kwargs["grammar"])
        return _result(self.worker.run_now(work, limit_s=self.limit_s))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        work = self._work(messages, kwargs["grammar"])
        on_queue: OnQueue | None = kwargs.get("on_queue")
        return _result(await self.worker.run(work, limit_s=self.limit_s, on_queue=on_queue))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        loop = asyncio.get_running_loop()
        parts: asyncio.Queue[str | None] = asyncio.Queue()

        def emit(part: str | None) -> None:
            loop.call_soon_threadsafe(parts.put_nowait, part)

        work = self._work(messages, kwargs["grammar"], emit)
        running = asyncio.create_task(
            self.worker.run(work, limit_s=self.limit_s, on_queue=kwargs.get("on_queue"))
        )
        running.add_done_callback(lambda _: parts.put_nowait(None))
        try:
            while (part := await parts.get()) is not None:
                yield ChatGenerationChunk(message=AIMessageChunk(content=part))
            message = _message(await running)
            yield ChatGenerationChunk(
                message=AIMessageChunk(
                    content="",
                    usage_metadata=message.usage_metadata,
                    response_metadata=message.response_metadata,
                    chunk_position="last",
                )
            )
        finally:
            running.cancel()

    def _work(
        self,
        messages: Sequence[BaseMessage],
        grammar: Grammar,
        emit: Callable[[str], None] = lambda part: None,
    ) -> Work:
        def work(engine: Engine, ticket: Ticket) -> Written:
            prompt = self._prepare(engine, messages)
            return write(
                engine, self.prefixes, prompt, grammar, self.most_tokens, ticket.checkpoint, emit
            )

        return work

    def _prepare(self, engine: Engine, messages: Sequence[BaseMessage]) -> Prompt:
        engine.set_threads(self.threads or current_threads())
        return encode(messages, engine.tokenize, engine.context - self.most_tokens)


def _result(written: Written) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=_message(written))])


def _message(written: Written) -> AIMessage:
    usage = UsageMetadata(
        input_tokens=written.prompt,
        output_tokens=written.tokens,
        total_tokens=written.prompt + written.tokens,
        input_token_details=InputTokenDetails(cache_read=written.prompt - written.read),
    )
    reason = "stop" if written.complete else "length"
    return AIMessage(
        written.text, usage_metadata=usage, response_metadata={"finish_reason": reason}
    )
