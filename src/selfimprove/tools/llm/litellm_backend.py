"""The way to a real model, whoever serves it: litellm, kept quiet and in bounds, loaded when first asked."""

from __future__ import annotations

import json
import logging
import os
import time
import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from selfimprove.errors import MissingTool, NeedsKey
from selfimprove.tools.llm.bounded_http import Bounds, bounded, bounded_http
from selfimprove.tools.llm.client import MAX_REPLY, Ask, CallFailed, Message, Reply, Terms
from selfimprove.tools.llm.failures import Call, explain, too_large
from selfimprove.tools.llm.incoming import Incoming, from_response, from_stream
from selfimprove.tools.llm.keys import key_variables
from selfimprove.tools.llm.prices import Price, Usage, listed_price
from selfimprove.tools.shell.masking import secret_values

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

# Read by litellm itself. The first three keep it from fetching tables from the network; the last keeps it
# from loading the `.env` of the folder we are in into this process.
_LITELLM_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_MODE": "PRODUCTION",
}
_NO_KEY = "no-key"  # OpenAI's client insists on one; a server that needs none does not look at it
_TOKENS_AROUND = 16  # what a provider's template may put around one message; 4 is usual
_TOKENS_BEFORE = 64  # what it may put before the first, such as the date
_WORTH_CACHING = 4_000  # characters; below about a thousand tokens no provider caches
_CACHED = {"cache_control": {"type": "ephemeral"}}


@dataclass(frozen=True, slots=True)
class LitellmBackend:
    """Asks ``model`` (litellm's name: ``anthropic/...``, ``openai/...``, ``ollama/...``).

    ``base_url`` is a server of the person's own, spoken to in OpenAI's protocol unless ``model`` begins
    with the name of another provider. ``timeout`` is how many seconds a call may take, and ``stall`` how
    many a silence in it when ``stream`` has the reply come piece by piece. ``temperature`` ``None`` leaves
    it to the server. Without a ``price`` litellm's own table, on the disk, is asked. ``count`` is the
    model's own tokenizer where it is at hand. ``api_key`` is never looked for elsewhere when the provider
    is one of those in ``keys``.
    """

    model: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 120.0
    temperature: float | None = 0.0
    max_tokens: int = 8192
    price: Price | None = None
    stream: bool = True
    stall: float = 120.0
    count: Callable[[str], int] | None = None

    @property
    def name(self) -> str:
        """The way's own name."""
        return "litellm"

    def worst_case(self, ask: Ask) -> tuple[int, float | None]:
        """Return the most tokens and dollars that ``ask`` can cost; dollars ``None`` when no price is known.

        A token is at least one byte, so that the bytes of the question bound its tokens whatever the
        model's tokenizer: often several times too many, never too few. Only the provider's own address is
        sure to use the model's own tokenizer.
        """
        prompt, completion = self._bounds(ask)
        price = self._price(prompt)
        return prompt + completion, price.of(prompt, completion) if price else None

    def ask(self, ask: Ask, terms: Terms | None = None) -> Reply:
        """Ask the model once.

        Raises ``CallFailed`` for what the client decides on, ``NeedsKey``, and ``MissingTool`` when litellm
        is not installed.
        """
        self._require_key()
        litellm, terms = _litellm(), terms or Terms()
        started = time.monotonic()
        seconds = self.timeout if terms.seconds is None else min(self.timeout, terms.seconds)
        silence = min(self.stall, seconds) if self.stream else seconds
        try:
            with bounded(Bounds(started + seconds, silence, self.stream)):
                response = litellm.completion(**self._arguments(ask, litellm, seconds))
                came = from_stream(response, terms.heard) if self.stream else from_response(response)
        except Exception as error:
            raise explain(error, self._call(ask, seconds, silence)) from None
        return self._reply(came, ask, time.monotonic() - started)

    def _require_key(self) -> None:
        """Raise ``NeedsKey`` when the provider is known to want one; litellm would say so in many ways."""
        variables = key_variables(self.model)
        if variables and not self.api_key and not self.base_url:
            hint = f"export {variables[0]}=..., or try the loop without a key: selfimprove demo"
            raise NeedsKey(f"{variables[0]} is not set", where=self.model, hint=hint)

    def _arguments(self, ask: Ask, litellm: ModuleType, seconds: float) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "model": self.model,
            "messages": _messages(ask, marked=self._caches(litellm)),
            "max_tokens": self._bounds(ask)[1],
            "temperature": self.temperature,
            "timeout": seconds,
            "api_key": self.api_key,
            "num_retries": 0,  # the client counts retries, tells the person, and keeps the budget
            "max_retries": 0,
            "drop_params": True,
            "stream": self.stream,
        }
        if self.stream:
            arguments["stream_options"] = {"include_usage": True}
        if ask.schema is not None and (form := self._form(ask, litellm)):
            arguments["response_format"] = form
        if self.base_url:
            arguments |= {"api_base": self.base_url, "api_key": self.api_key or _NO_KEY}
            if not _names_provider(self.model, litellm):
                arguments["custom_llm_provider"] = "openai"
        return arguments

    def _form(self, ask: Ask, litellm: ModuleType) -> dict[str, Any] | None:
        """Return what holds the model to the form of its reply, ``None`` where litellm knows of nothing."""
        if litellm.supports_response_schema(self.model):
            named = {"name": "answer", "schema": dict(ask.schema or {}), "strict": False}
            return {"type": "json_schema", "json_schema": named}
        known = self.model in litellm.model_cost or self.model.partition("/")[2] in litellm.model_cost
        supported = litellm.get_supported_openai_params(self.model) if known else None
        return {"type": "json_object"} if "response_format" in (supported or ()) else None

    def _caches(self, litellm: ModuleType) -> bool:
        """True when parts are to be marked for the provider's cache: it wants marks, and its price is known.

        OpenAI and others cache by themselves. A stated price does not say what a write to the cache costs.
        """
        return (
            "claude" in self.model
            and not self.base_url
            and self.price is None
            and bool(litellm.utils.supports_prompt_caching(self.model))
        )

    def _call(self, ask: Ask, seconds: float, silence: float) -> Call:
        variable = next(iter(key_variables(self.model)), "OPENAI_API_KEY" if self.base_url else "")
        server = self.base_url or f"the provider of {self.model}"
        secrets = (self.api_key or "", *secret_values({"": server}))
        return Call(self.model, server, secrets, variable, seconds, self.worst_case(ask), silence)

    def _reply(self, came: Incoming, ask: Ask, seconds: float) -> Reply:
        usage, dollars = self._cost(came.usage, ask)
        cost = (usage.prompt + usage.completion, dollars)
        if not came.answered:
            hint = "check llm.base_url and llm.model"
            raise CallFailed("the model's reply holds no answer", hint=hint, again=True, cost=cost)
        if len(came.text) > MAX_REPLY:
            raise too_large(cost)
        model = came.model or self.model
        return Reply(came.text, model, usage.prompt, usage.completion, dollars, seconds, came.finish_reason)

    def _cost(self, said: Usage | None, ask: Ask) -> tuple[Usage, float | None]:
        """Return the tokens and the dollars: as billed, or the worst case if the server did not say."""
        if said is None:
            return Usage(*self._bounds(ask)), self.worst_case(ask)[1]
        price = self._price(said.prompt)
        return said, price.bill(said) if price else None

    def _bounds(self, ask: Ask) -> tuple[int, int]:
        """Return the most tokens that the question and the reply can have."""
        texts = [message.content for message in ask.messages]
        texts += [json.dumps(dict(ask.schema))] if ask.schema else []
        exact = self.count if self.count and not self.base_url else None
        said = sum(exact(text) if exact else len(text.encode("utf-8", "replace")) for text in texts)
        around = _TOKENS_AROUND * len(texts) + _TOKENS_BEFORE
        return said + around, ask.max_tokens or self.max_tokens

    def _price(self, prompt: int) -> Price | None:
        return self.price or listed_price(self.model, prompt, _litellm().model_cost)


def _messages(ask: Ask, *, marked: bool) -> list[dict[str, Any]]:
    """Return the messages as litellm wants them, those that later questions repeat ``marked`` for the cache.

    That is the system's, the same in every question, and in a conversation all but the last.
    """
    return [
        {
            "role": message.role,
            "content": _content(message, marked=marked and message is not ask.messages[-1]),
        }
        for message in ask.messages
    ]


def _content(message: Message, *, marked: bool) -> Any:
    if not marked or len(message.content) < _WORTH_CACHING:
        return message.content
    return [{"type": "text", "text": message.content, **_CACHED}]


def _names_provider(model: str, litellm: ModuleType) -> bool:
    """True when ``model`` begins with a provider's name: ``ollama/llama`` does, ``qwen/qwen3`` does not."""
    provider, slash, _ = model.partition("/")
    return bool(slash) and provider in {str(getattr(item, "value", item)) for item in litellm.provider_list}


@cache
def _litellm() -> ModuleType:
    """Return litellm, imported (it takes seconds) and silenced."""
    os.environ.update(_LITELLM_ENVIRONMENT)  # there is no other way to tell it
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import litellm
    except ImportError as problem:
        raise MissingTool(
            f"asking a model needs litellm, which cannot be imported: {problem}",
            hint="pip install 'selfimprove[llm]'",
        ) from None
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.disable_streaming_logging = True
    # A file may well hold a hundred equal lines.
    setattr(litellm, "REPEATED_STREAMING_CHUNK_LIMIT", MAX_REPLY)  # noqa: B010 - litellm does not export it
    # pydantic's, about odd fields in a server's reply; it speaks in other threads too
    warnings.filterwarnings("ignore", module=r"pydantic\..*")
    # Its two ways out: the client that OpenAI's library is given, and the transport of all other clients.
    litellm.client_session, litellm.sync_transport = bounded_http()
    module: ModuleType = litellm
    return module
