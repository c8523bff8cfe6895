"""Which model is meant when none is named, and which variable holds the key that a model needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_MODELS = {
    "ANTHROPIC_API_KEY": "anthropic/claude-sonnet-5",
    "OPENAI_API_KEY": "openai/gpt-5.4",
    "OPENROUTER_API_KEY": "openrouter/anthropic/claude-sonnet-5",
}
"""The model that a key gives when none is named; the first key that is set decides."""

_VARIABLES: dict[str, tuple[str, ...]] = {
    "anthropic": ("ANTHROPIC_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "mistral": ("MISTRAL_API_KEY",),
    "codestral": ("CODESTRAL_API_KEY",),
    "groq": ("GROQ_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHER_API_KEY"),
    "fireworks_ai": ("FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY"),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "azure": ("AZURE_API_KEY",),
    "azure_ai": ("AZURE_AI_API_KEY",),
    "cerebras": ("CEREBRAS_API_KEY",),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY",),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "moonshot": ("MOONSHOT_API_KEY",),
    "dashscope": ("DASHSCOPE_API_KEY",),
    "vercel_ai_gateway": ("VERCEL_AI_GATEWAY_API_KEY",),
}
_BARE_NAMES = {
    "claude-": "anthropic",
    "gpt-": "openai",
    "chatgpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
}


def choose_model(model: str | None, environ: Mapping[str, str], base_url: str | None = None) -> str | None:
    """Return the model to ask: ``model`` when it is named, else the default of the first key in ``environ``.

    With ``base_url`` nothing is guessed, since only the person knows what their server serves. ``None``
    means that no model is configured.
    """
    if model:
        return model
    if base_url:
        return None
    return next((default for variable, default in DEFAULT_MODELS.items() if environ.get(variable)), None)


def key_variables(model: str) -> tuple[str, ...]:
    """Return the variables that may hold the key of ``model``, the usual one first; empty: none is known."""
    provider, slash, _ = model.partition("/")
    if not slash:
        provider = next((name for start, name in _BARE_NAMES.items() if model.startswith(start)), "")
    return _VARIABLES.get(provider, ())


def find_key(model: str, environ: Mapping[str, str], base_url: str | None = None) -> str | None:
    """Return the key of ``model`` from ``environ``, or ``None``.

    A server of the person's own (``base_url``) whose model names no known provider is taken to speak
    OpenAI's protocol, and gets ``OPENAI_API_KEY``.
    """
    variables = key_variables(model) or (("OPENAI_API_KEY",) if base_url else ())
    return next((environ[variable] for variable in variables if environ.get(variable)), None)


def missing_key(model: str, environ: Mapping[str, str], base_url: str | None = None) -> str | None:
    """Return the variable that ``model`` needs and ``environ`` lacks, or ``None`` when nothing is missing.

    ``None`` also for a server of the person's own (``base_url``), where a key is optional, and for
    providers that need none or that are not known here.
    """
    variables = key_variables(model)
    if base_url or not variables or find_key(model, environ):
        return None
    return variables[0]
