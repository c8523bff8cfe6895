"""Wiring of the model client: which models are asked, at which server, with which key, at what price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.errors import ConfigError, NeedsKey
from selfimprove.model.events import Listener, Notice, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from selfimprove.model.budget import Budget
    from selfimprove.settings_parts import LlmSettings
    from selfimprove.target import Target
    from selfimprove.tools.llm.client import LLM, Backend
    from selfimprove.tools.llm.prices import Price
    from selfimprove.tools.llm.recording import Recorder


def model_problem(target: Target) -> NeedsKey | ConfigError | None:
    """Return what is missing before a model can be asked, ``None`` when nothing is."""
    from selfimprove.tools.llm.keys import choose_model, missing_key

    llm, environ = target.settings.llm, target.loaded.environ
    if llm.backend == "scripted":
        return (
            None
            if llm.replies
            else ConfigError(
                "the scripted backend has no replies",
                where="llm.replies",
                hint="selfimprove config set llm.replies FILE",
            )
        )
    model = choose_model(llm.model, environ, llm.base_url)
    hint = "export one of them, or try the whole loop without a key: selfimprove demo"
    if model is None:
        return NeedsKey(
            "no model is configured",
            hint=hint,
            where="looked for llm.model, ANTHROPIC_API_KEY, OPENAI_API_KEY, OPENROUTER_API_KEY",
        )
    if variable := missing_key(model, environ, llm.base_url):
        return NeedsKey(
            f"{model} needs a key",
            where=f"looked for {variable}",
            hint=f"export {variable}=..., or try the whole loop without a key: selfimprove demo",
        )
    return None


def build_llm(target: Target, budget: Budget, listener: Listener) -> LLM | None:
    """Return the model client, ``None`` when no model can be asked."""
    if model_problem(target) is not None:
        return None
    llm = target.settings.llm
    first = build_backend(target)
    others = llm.fallback_models if llm.backend == "litellm" else ()
    rest = [_litellm(target, name) for name in dict.fromkeys(others) if name != first.model]
    return _client(target, budget, listener, (first, *rest))


def build_reviewer(target: Target, budget: Budget, listener: Listener) -> LLM | None:
    """Return the client of the model that reviews, on the same account; ``None``: the author's reviews too."""
    model = target.settings.review.model
    if model is None or target.settings.llm.backend == "scripted":
        return None
    return _client(target, budget, listener, (_litellm(target, model),))


def build_recorder(target: Target) -> Recorder | None:
    """Return what writes down the replies, ``None`` when nobody wants that."""
    from selfimprove.tools.llm.recording import Recorder

    path = target.settings.llm.record
    return Recorder(target.repo.root / path) if path else None


def build_backend(target: Target) -> Backend:
    """Return the way to the model. Raises ConfigError for a broken file of replies."""
    from selfimprove.tools.llm.keys import choose_model

    llm, environ = target.settings.llm, target.loaded.environ
    if llm.backend == "scripted":
        from selfimprove.tools.llm.scripted_backend import ScriptedBackend

        replies: Path = target.repo.root / (llm.replies or "")
        return ScriptedBackend(replies)
    return _litellm(target, choose_model(llm.model, environ, llm.base_url) or "")


def _client(target: Target, budget: Budget, listener: Listener, backends: tuple[Backend, ...]) -> LLM:
    from selfimprove.tools.llm.client import LLM

    return LLM(
        backends[0],
        budget,
        retries=target.settings.llm.retries,
        notify=lambda line: listener(Notice(line, "warning")),
        fallbacks=backends[1:],
        heard=lambda task, tokens: listener(Tokens(task, tokens)),
    )


def _litellm(target: Target, model: str) -> Backend:
    from selfimprove.tools.llm.keys import choose_model, find_key, key_variables
    from selfimprove.tools.llm.litellm_backend import LitellmBackend

    llm, environ = target.settings.llm, target.loaded.environ
    first = choose_model(llm.model, environ, llm.base_url) or ""
    # A model of a provider of its own is asked there, not at the server that another one is served by.
    own = not key_variables(model) or key_variables(model) == key_variables(first) or model == first
    base_url = llm.base_url if own else None
    return LitellmBackend(
        model=model,
        base_url=base_url,
        api_key=find_key(model, environ, base_url),
        timeout=llm.timeout,
        temperature=llm.temperature,
        max_tokens=llm.max_tokens,
        price=_price(llm, model, stated=model == first or base_url is not None),
        stream=llm.stream,
        stall=llm.stall_timeout,
        count=_tokenizer(model),
    )


def _price(llm: LlmSettings, model: str, *, stated: bool) -> Price | None:
    """Return the price that the person states for ``model``: its own, or that of their server's models."""
    from selfimprove.tools.llm.prices import stated_price

    own = llm.prices.get(model, {})
    if own and set(own) != {"input", "output"}:
        raise ConfigError(
            "a price has two numbers: input and output",
            where=f"llm.prices of {model}",
            hint=f"write it as: {{{model}: {{input: 3, output: 15}}}} (dollars per million tokens)",
        )
    if price := stated_price(own.get("input"), own.get("output")):
        return price
    everywhere = stated_price(llm.price_input, llm.price_output)
    return everywhere if stated else None


def _tokenizer(model: str) -> Callable[[str], int]:
    """Return what counts tokens as ``model`` does where its tokenizer is at hand, else the bytes, a sure bound."""
    from selfimprove.codebase.tokens import counter_for

    def count(text: str) -> int:
        counter = counter_for(model)
        return counter.count(text) if counter.exact else len(text.encode("utf-8", "replace"))

    return count
