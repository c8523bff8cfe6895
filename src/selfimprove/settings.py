"""Settings: everything that a person can set, with its meaning, unit, limits and default."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

WRAPPER = "selfimprove"  # the key under which settings may stand in a config file
PREFIX = "SELFIMPROVE_"
YEAR = 31_536_000  # seconds

Text = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=YEAR)]
# YAML gives lists, and strict validation would refuse them for a tuple.
Texts = Annotated[
    tuple[Text, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
]
Categories = Annotated[
    tuple[Literal["convention", "refactor", "warning", "error", "fatal"], ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
]


def _null_for_false(limits: Any) -> Any:
    """Return limits by rule with null for false: TOML has no null."""
    if not isinstance(limits, dict):
        return limits
    return {rule: None if limit is False else limit for rule, limit in limits.items()}


Limit = Annotated[StrictInt, Field(ge=0)] | Literal["A", "B", "C"] | None
Limits = Annotated[dict[Text, Limit], BeforeValidator(_null_for_false)]
# Two settings are the limits of rules, which ``audit.limits`` can name too.
THRESHOLDS = {"audit.complexity_threshold": "SI101", "audit.maintainability_threshold": "SI102"}


class _Section(BaseModel):
    # The sections are checked as parts of Settings, so their own validators need not be made.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


class AuditSettings(_Section):
    """What the audit measures, and its limits."""

    complexity_threshold: int = Field(
        default=15, ge=1, description="Highest cyclomatic complexity of a function that is still fine."
    )
    maintainability_threshold: Literal["A", "B", "C"] = Field(
        default="B",
        description="Worst rank of a file's maintainability index that is still fine: A (best), B or C.",
    )
    paths: Texts = Field(
        default=(".",), description="Files and folders to measure, relative to the repository root."
    )
    exclude: Texts = Field(default=(), description="Glob patterns of paths that are not measured.")
    select: Texts = Field(
        default=("SI001", "SI101", "SI102"),
        description="Rules to look for, by id, by a prefix such as SI1, or ALL (--select).",
    )
    ignore: Texts = Field(
        default=(), description="Rules not to look for; the longer of two prefixes counts (--ignore)."
    )
    limits: Limits = Field(
        default={}, description="Limits by rule in place of its own, as in {SI104: 60}; null is off."
    )
    per_path: dict[Text, Limits] = Field(
        default={}, description='Limits by glob and rule, as in {"tests/**": {SI104: null}}; later ones win.'
    )
    baseline: Text | None = Field(
        default=None, description="File with the findings that are accepted; null is none (--baseline)."
    )
    pylint: Categories = Field(
        default=(), description="Categories of pylint's messages that are findings too (SI301 to SI305)."
    )
    pylint_all: bool = Field(
        default=False, description="Have pylint look at every file, not only at those that changed."
    )
    cache: bool = Field(
        default=True, description="Keep what was measured in the cache folder of your own user account."
    )
    jobs: int = Field(
        default=0, ge=0, le=1024, description="Processes that measure; 0 is as many as the machine has CPUs."
    )
    history: bool = Field(
        default=True, description="Use git's history to put first what changes often and gets worse."
    )
    history_tool: Literal["git", "wily"] = Field(
        default="git", description="What tells how the numbers were before: git, or wily (--history)."
    )

    def rule_limits(self) -> dict[str, int | str | None]:
        """Return the limits by rule: the two thresholds, and ``limits`` over them."""
        thresholds = {rule: getattr(self, key.rpartition(".")[2]) for key, rule in THRESHOLDS.items()}
        return thresholds | {rule.strip().upper(): limit for rule, limit in self.limits.items()}


class BudgetSettings(_Section):
    """What one run may use. null is no limit."""

    units: float | None = Field(
        default=None, ge=0, description="Limit on the sum of the tasks' `cost`, in units (--budget)."
    )
    warning: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Share of a limit, over 0 and up to 1, at which the run warns once.",
    )
    dollars: float | None = Field(
        default=None, ge=0, description="Limit on what the model may cost, in dollars (--max-spend)."
    )
    tokens: int | None = Field(
        default=None, ge=0, description="Limit on tokens sent to and received from the model."
    )
    seconds: Seconds | None = Field(default=None, description="Limit on wall time, in seconds (--time).")


class RunSettings(_Section):
    """How a run goes."""

    max_tasks: int | None = Field(
        default=None, ge=1, description="Most tasks that one run does; null is no limit (--max-tasks)."
    )
    land: Literal["branch", "merge"] = Field(
        default="branch",
        description="Where commits land: branch (selfimprove/run-<n>), or merge into your branch (--land).",
    )
    approve: Literal["never", "each"] = Field(
        default="never", description="Ask before the commit of each task, or never (--approve)."
    )
    audit: bool = Field(
        default=True, description="Measure before and after the run, and append what is found as tasks."
    )


class CommandSettings(_Section):
    """Tasks with a `command:`."""

    timeout: Seconds | None = Field(
        default=3600, description="Time limit of one command, in seconds; null is no limit."
    )


class CheckSettings(_Section):
    """How a change is proved."""

    test_command: Text | None = Field(
        default=None,
        description="Shell command that runs the tests; null: found from the files of the repository.",
    )
    lint_command: Text | None = Field(
        default=None,
        description="Shell command that runs the linter; null: found from the files of the repository.",
    )
    timeout: Seconds = Field(default=1800, description="Time limit of one test or lint command, in seconds.")
    max_retries: int = Field(default=5, ge=0, description="Most repairs of one task after red tests or lint.")


class SandboxSettings(_Section):
    """Where tests and lint of changed code run."""

    driver: Literal["auto", "bubblewrap", "none"] = Field(
        default="auto",
        description="auto (bubblewrap, and a refusal without it), bubblewrap, or none: no guard (--sandbox).",
    )
    network: bool = Field(default=False, description="Let the sandbox reach the network.")
    memory_mb: int = Field(
        default=4096, ge=16, le=2**24, description="Memory limit of the sandbox, in megabytes."
    )
    processes: int = Field(
        default=512, ge=1, le=2**22, description="Most processes and threads in the sandbox at once."
    )
    tmp_mb: int = Field(
        default=1024, ge=1, le=2**24, description="Size of the sandbox's own /tmp, in megabytes."
    )


class LlmSettings(_Section):
    """The model. Its key is never here: export it, or put it into .env (see .env.example)."""

    backend: Literal["litellm", "scripted"] = Field(
        default="litellm", description="litellm (a real model), or scripted (recorded replies, no network)."
    )
    model: Text | None = Field(
        default=None,
        description="Model in litellm's words, for example anthropic/claude-sonnet-4-5; null is no model.",
    )
    base_url: Text | None = Field(
        default=None, description="Address of the model's API; null: the provider's own."
    )
    replies: Text | None = Field(default=None, description="File with the replies of the scripted backend.")
    max_tokens: int = Field(default=8192, ge=1, description="Longest reply, in tokens.")
    temperature: float | None = Field(
        default=None, ge=0, le=2, description="Randomness, 0 to 2; null: the model's own."
    )
    timeout: Seconds = Field(default=120, description="Time limit of one request, in seconds.")
    retries: int = Field(default=4, ge=0, description="Most new attempts after a failed request.")
    price_input: float | None = Field(
        default=None, ge=0, description="Dollars per million tokens sent; null: litellm's price list."
    )
    price_output: float | None = Field(
        default=None, ge=0, description="Dollars per million tokens received; null: litellm's price list."
    )


class DatabaseSettings(_Section):
    """Where runs and steps are kept."""

    url: Text | None = Field(
        default=None,
        description="SQLAlchemy URL, its password only from the environment; null: .selfimprove/state.db.",
    )


class Settings(_Section):
    """Settings of selfimprove."""

    tasks_file: Text = Field(default="tasks.yml", description="The tasks, relative to the repository root.")
    logs_dir: Text = Field(
        default="logs", description="Folder for logs and run records, relative to the repository root."
    )
    audit: AuditSettings = AuditSettings()
    budget: BudgetSettings = BudgetSettings()
    run: RunSettings = RunSettings()
    command: CommandSettings = CommandSettings()
    check: CheckSettings = CheckSettings()
    sandbox: SandboxSettings = SandboxSettings()
    llm: LlmSettings = LlmSettings()
    database: DatabaseSettings = DatabaseSettings()


@cache
def fields() -> dict[str, FieldInfo]:
    """Return every setting: dotted key -> its field, in the order of the models."""
    found: dict[str, FieldInfo] = {}
    for name, field in Settings.model_fields.items():
        section = sections().get(name)
        inner = section.model_fields if section else {}
        found |= {f"{name}.{leaf}": info for leaf, info in inner.items()} or {name: field}
    return found


@cache
def sections() -> dict[str, type[BaseModel]]:
    """Return the sections: name -> model."""
    annotations = ((name, field.annotation) for name, field in Settings.model_fields.items())
    return {name: kind for name, kind in annotations if isinstance(kind, type) and issubclass(kind, _Section)}


def variable_name(dotted: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + dotted.upper().replace(".", "__")


def get_value(settings: Settings, dotted: str) -> object:
    """Return the value of ``dotted``, which must be one of :func:`fields`."""
    value: object = settings
    for part in dotted.split("."):
        value = getattr(value, part)
    return value


_PASSWORD = re.compile(
    r"(?i)(?:(://[^/?#\s:@]*:)(?!\d{1,5}(?:[/?#]|$))\S+(?=@)"
    r"|([?&][\w-]*(?:password|secret|token|api_?key)=)[^&\s]+)"
)


def masked(value: object) -> object:
    """Return ``value`` with the password of a URL in it replaced by ``***``."""
    if not isinstance(value, str):
        return value
    return _PASSWORD.sub(lambda match: f"{match[1] or match[2]}***", value)


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of a config file: settings at top level, or under ``selfimprove:``."""
    schema = Settings.model_json_schema()
    empty = {"type": "null"}  # a section whose lines are all comments
    properties = {
        name: {"anyOf": [{"$ref": inner["$ref"]}, empty]} if name in sections() else inner
        for name, inner in schema["properties"].items()
    }
    wrapped = {"type": "object", "properties": properties, "additionalProperties": False}
    wrapper = {"description": "All settings, as in a shared config.yaml.", "anyOf": [wrapped, empty]}
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **schema, "properties": {**properties, WRAPPER: wrapper}}


@cache
def variants(key: str) -> list[dict[str, Any]]:
    """Return the JSON Schemas of which a value of ``key`` matches one."""
    section, _, leaf = key.rpartition(".")
    model = sections()[section] if section else Settings
    schema = model.model_json_schema()["properties"][leaf]
    return list(schema.get("anyOf", [schema]))


def kinds(key: str) -> list[str]:
    """Return the JSON types of ``key``: ``integer``, ``null`` and so on."""
    return [str(variant.get("type")) for variant in variants(key)]


def choices(key: str) -> list[str]:
    """Return the words of which ``key`` is one; empty when it is free."""
    return [choice for variant in variants(key) for choice in variant.get("enum", [])]


_NOUNS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "a text that is not empty",
    "null": "null",
}
_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "over", "maximum": "at most"}


def rule(key: str, depth: int = 0) -> str:
    """Return in words what a value of ``key`` must be, or one that stands ``depth`` mappings below it."""
    schemas = variants(key)
    for _ in range(depth):
        inner = schemas[0]["additionalProperties"]
        schemas = inner.get("anyOf", [inner])
    return _said(schemas)


def _said(schemas: list[dict[str, Any]]) -> str:
    said = []
    for schema in schemas:
        words = schema.get("enum")
        bounds = [f"{word} {schema[bound]}" for bound, word in _BOUNDS.items() if bound in schema]
        noun = "one of " + ", ".join(words) if words else _noun(schema)
        said.append(" ".join([noun, " and ".join(bounds)]).strip())
    return ", or ".join(said)


def _noun(schema: dict[str, Any]) -> str:
    if schema["type"] == "array":
        words = schema["items"].get("enum")
        return "a list of " + (", ".join(words) if words else "texts")
    if schema["type"] != "object":
        return _NOUNS[schema["type"]]
    inner = schema["additionalProperties"]
    return "a mapping whose values are " + _said(inner.get("anyOf", [inner])).replace(", or ", " or ")
