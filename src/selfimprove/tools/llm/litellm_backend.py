"""The way to a real model, whoever serves it: litellm, kept quiet and in bounds, loaded when first asked."""

from __future__ import annotations

import logging
import os
import time
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from selfimprove.errors import MissingTool, NeedsKey
from selfimprove.tools.llm.client import MAX_REPLY, Ask, CallFailed, Reply
from selfimprove.tools.llm.failures import Call, ReplyTooLarge, explain, too_large
from selfimprove.tools.llm.keys import key_variables
from selfimprove.tools.llm.prices import Price, listed_price
from selfimprove.tools.shell.masking import secret_values

if TYPE_CHECKING:
    from types import ModuleType

    import httpx

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


class LitellmBackend:
    """Asks ``model`` (litellm's name: ``anthropic/...``, ``openai/...``, ``ollama/...``).

    ``base_url`` is a server of the person's own, spoken to in OpenAI's protocol unless ``model`` begins
    with the name of another provider. ``timeout`` is how many seconds the reply may take to begin, and as
    many again to end. ``temperature`` ``None`` leaves it to the server. Without a
    ``price`` litellm's own table, on the disk, is asked. ``api_key`` is never looked for elsewhere when the
    provider is one of those in ``keys``.
    """

    name = "litellm"

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 120.0,
        temperature: float | None = 0.0,
        max_tokens: int = 8192,
        price: Price | None = None,
    ) -> None:
        self.model = model
        self.base_url = base_url
        self.timeout = timeout
        self.max_tokens = max_tokens
        self._key = api_key
        self._temperature = temperature
        self._stated = price

    def worst_case(self, ask: Ask) -> tuple[int, float | None]:
        """Return the most tokens and dollars that ``ask`` can cost; dollars ``None`` when no price is known.

        A token is at least one byte, so that the bytes of the question bound its tokens whatever the
        model's tokenizer: often several times too many, never too few.
        """
        prompt, completion = self._bounds(ask)
        price = self._price(prompt)
        return prompt + completion, price.of(prompt, completion) if price else None

    def ask(self, ask: Ask) -> Reply:
        """Ask the model once.

        Raises ``CallFailed`` for what the client decides on, ``NeedsKey``, and ``MissingTool`` when litellm
        is not installed.
        """
        self._require_key()
        litellm = _litellm()
        started = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pydantic's, about odd fields in a server's reply
                response = litellm.completion(**self._arguments(ask, litellm))
        except Exception as error:
            raise explain(error, self._call(ask)) from None
        return self._reply(response, ask, time.monotonic() - started)

    def _require_key(self) -> None:
        """Raise ``NeedsKey`` when the provider is known to want one; litellm would say so in many ways."""
        variables = key_variables(self.model)
        if variables and not self._key and not self.base_url:
            hint = f"export {variables[0]}=..., or try the loop without a key: selfimprove demo"
            raise NeedsKey(f"{variables[0]} is not set", where=self.model, hint=hint)

    def _arguments(self, ask: Ask, litellm: ModuleType) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
            "max_tokens": self._bounds(ask)[1],
            "temperature": self._temperature,
            "timeout": self.timeout,
            "api_key": self._key,
            "num_retries": 0,  # the client counts retries, tells the person, and keeps the budget
            "max_retries": 0,
            "drop_params": True,
            "stream": False,
        }
        if self.base_url:
            arguments |= {"api_base": self.base_url, "api_key": self._key or _NO_KEY}
            if not _names_provider(self.model, litellm):
                arguments["custom_llm_provider"] = "openai"
        return arguments

    def _call(self, ask: Ask) -> Call:
        variable = next(iter(key_variables(self.model)), "OPENAI_API_KEY" if self.base_url else "")
        server = self.base_url or f"the provider of {self.model}"
        secrets = (self._key or "", *secret_values({"": server}))
        return Call(self.model, server, secrets, variable, self.timeout, self.worst_case(ask))

    def _reply(self, response: Any, ask: Ask, seconds: float) -> Reply:
        prompt, completion, dollars = self._cost(response, ask)
        choice = next(iter(getattr(response, "choices", None) or ()), None)
        message = getattr(choice, "message", None)
        if message is None:
            cost = (prompt + completion, dollars)
            hint = "check llm.base_url and llm.model"
            raise CallFailed("the model's reply holds no answer", hint=hint, again=True, cost=cost)
        text = message.content or ""
        if len(text) > MAX_REPLY:
            raise too_large((prompt + completion, dollars))
        reason = str(getattr(choice, "finish_reason", None) or "stop")
        model = str(getattr(response, "model", None) or self.model)
        return Reply(text, model, prompt, completion, dollars, seconds, reason)

    def _cost(self, response: Any, ask: Ask) -> tuple[int, int, float | None]:
        """Return prompt tokens, completion tokens and dollars: as billed, or the worst case if not said."""
        usage = getattr(response, "usage", None)
        prompt, completion = (_count(usage, f"{side}_tokens") for side in ("prompt", "completion"))
        if not prompt or not completion:  # litellm's way to say that the server did not say
            return *self._bounds(ask), self.worst_case(ask)[1]
        counted = (getattr(response, "_hidden_params", None) or {}).get("response_cost")
        if self._stated is None and isinstance(counted, float) and counted > 0:
            return prompt, completion, counted  # knows of cached tokens and their discount
        price = self._price(prompt)
        return prompt, completion, price.of(prompt, completion) if price else None

    def _bounds(self, ask: Ask) -> tuple[int, int]:
        """Return the most tokens that the question and the reply can have."""
        said = sum(len(message.content.encode()) + _TOKENS_AROUND for message in ask.messages)
        return said, ask.max_tokens or self.max_tokens

    def _price(self, prompt: int) -> Price | None:
        return self._stated or listed_price(self.model, prompt, _litellm().model_cost)


def _count(usage: Any, name: str) -> int:
    value = getattr(usage, name, None)
    return value if isinstance(value, int) and value > 0 else 0


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
    # Its two ways out: the client that OpenAI's library is given, and the transport of all other clients.
    litellm.client_session, litellm.sync_transport = _bounded_http()
    module: ModuleType = litellm
    return module


def _bounded_http() -> tuple[httpx.Client, httpx.BaseTransport]:
    """Return an HTTP client whose replies end in time and within ``MAX_REPLY``, and a transport through it.

    Redirects are not followed: only the server that the person named is asked.
    """
    import httpx

    class Bounded(httpx.Client):
        def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
            response = super().send(request, **{**options, "stream": True, "follow_redirects": False})
            try:
                body = _read(response, request.extensions.get("timeout", {}).get("read"))
            finally:
                response.close()
            # The body is decoded by now, which three of these would deny; the fourth is the redirect.
            headers = response.headers.copy()
            for name in ("content-encoding", "content-length", "transfer-encoding", "location"):
                headers.pop(name, None)
            return httpx.Response(response.status_code, headers=headers, content=body, request=request)

    class Through(httpx.BaseTransport):
        def __init__(self, client: httpx.Client) -> None:
            self.client = client

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return self.client.send(request)

    def _read(response: httpx.Response, seconds: float | None) -> bytes:
        started, body = time.monotonic(), bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > MAX_REPLY:
                raise ReplyTooLarge
            if seconds is not None and time.monotonic() - started > seconds:
                raise httpx.ReadTimeout("the reply does not end", request=response.request)
        return bytes(body)

    client = Bounded()
    return client, Through(client)
