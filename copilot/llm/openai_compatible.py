"""The same planner on an OpenAI-compatible server inside the plant (llama-server, vLLM).

Such a server tokenises text itself, so control tokens spelled in a content are broken up here.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from copilot.llm.errors import ModelFailed, TimedOut
from copilot.llm.grammar import plan_grammar, plan_schema
from copilot.llm.planner import read_plan
from copilot.llm.prompt import PlannedTurn, plan_messages
from copilot.settings import ModelSettings
from copilot_tools.errors import Retry
from copilot_tools.tool import Call, Registry

MOST_TOKENS = 512

_ROLES = {"system": "system", "human": "user", "ai": "assistant"}
_CONTROL = re.compile(r"<(?=[|｜/]|\w+>)|\[(?=/?[A-Z_]{4,}\])")


class OpenAiPlanner:
    """Plans with a model served over HTTP; no other host is ever asked."""

    def __init__(self, settings: ModelSettings, tools: Registry) -> None:
        key = settings.api_key.get_secret_value() if settings.api_key else None
        self._client = httpx.AsyncClient(
            base_url=settings.url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=settings.turn_s,
            trust_env=False,
        )
        self._tools = tools
        self._name = settings.name
        self._limit_s = settings.turn_s
        self._takes_grammar: bool | None = None

    async def plan(
        self,
        text: str,
        history: Sequence[PlannedTurn],
        tools: Registry,
        on_queue: Callable[[int], None] | None = None,
    ) -> tuple[Call, ...]:
        """See Planner; an invalid plan is asked for once more before it is given back as Retry."""
        messages = plan_messages(self._tools, history, text)
        answer = await self._ask(messages, tools)
        try:
            return read_plan(answer, tools)
        except Retry as error:
            messages = (*messages, answer, HumanMessage(f"Not valid: {error} Plan again."))
            return read_plan(await self._ask(messages, tools), tools)

    async def warm(self) -> None:
        """Look which model the server has."""
        await self._look()

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._client.aclose()

    async def _look(self) -> None:
        """Learn the model's name where none is configured, and whether it takes our grammar."""
        if self._takes_grammar is None:
            models = (await self._request("GET", "models"))["data"]
            self._takes_grammar = any(model.get("owned_by") == "llamacpp" for model in models)
            self._name = self._name or models[0]["id"]

    async def _ask(self, messages: Sequence[BaseMessage], tools: Registry) -> AIMessage:
        try:
            await self._look()
            answer = await self._request("POST", "chat/completions", self._body(messages, tools))
            choice = answer["choices"][0]
            content, reason = choice["message"]["content"], choice.get("finish_reason")
        except (LookupError, TypeError, AttributeError) as error:
            raise ModelFailed("its answer is not in the OpenAI form") from error
        return AIMessage(content or "", response_metadata={"finish_reason": reason})

    def _body(self, messages: Sequence[BaseMessage], tools: Registry) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._name,
            "messages": [_message(message) for message in messages],
            "temperature": 0,
            "max_tokens": MOST_TOKENS,
        }
        if self._takes_grammar:
            return body | {"grammar": plan_grammar(tools).gbnf}
        schema = {"name": "plan", "strict": True, "schema": plan_schema(tools)}
        return body | {"response_format": {"type": "json_schema", "json_schema": schema}}

    async def _request(self, method: str, path: str, body: Any = None) -> Any:
        try:
            response = await self._client.request(method, path, json=body)
            response.raise_for_status()
            return response.json()
        except httpx.TimeoutException:
            raise TimedOut(self._limit_s) from None
        except httpx.HTTPStatusError as error:
            raise ModelFailed(f"its server answers {error.response.status_code}") from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ModelFailed(f"its server {self._client.base_url}: {error}") from error


def neutralise(text: str) -> str:
    """The text with every control token of the common chat templates broken by a space."""
    return _CONTROL.sub(lambda match: match.group() + " ", text)


def _message(message: BaseMessage) -> dict[str, str]:
    return {"role": _ROLES[message.type], "content": neutralise(str(message.text))}
