"""Settings: everything that a person can set, by section, and how one is looked up by its dotted key."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from selfimprove.kind import TEXT, Schema, in_words
from selfimprove.section import Field, Section, setting
from selfimprove.section import masked as masked
from selfimprove.settings_parts import (
    AnalyzeSettings,
    AuditSettings,
    BudgetSettings,
    CheckSettings,
    CommandSettings,
    DatabaseSettings,
    GenerateSettings,
    IndexSettings,
    LessonsSettings,
    LlmSettings,
    ReviewSettings,
    RunSettings,
    SandboxSettings,
    SuggestSettings,
    TestsSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

WRAPPER = "selfimprove"  # the key under which settings may stand in a config file
PREFIX = "SELFIMPROVE_"


class Settings(Section):
    """Settings of selfimprove."""

    tasks_file: str = setting(TEXT, "tasks.yml", "The tasks, relative to the repository root.")
    logs_dir: str = setting(TEXT, "logs", "Folder for logs and run records, relative to the repository root.")
    audit: AuditSettings = AuditSettings()
    budget: BudgetSettings = BudgetSettings()
    run: RunSettings = RunSettings()
    command: CommandSettings = CommandSettings()
    check: CheckSettings = CheckSettings()
    review: ReviewSettings = ReviewSettings()
    sandbox: SandboxSettings = SandboxSettings()
    llm: LlmSettings = LlmSettings()
    index: IndexSettings = IndexSettings()
    analyze: AnalyzeSettings = AnalyzeSettings()
    suggest: SuggestSettings = SuggestSettings()
    generate: GenerateSettings = GenerateSettings()
    tests: TestsSettings = TestsSettings()
    lessons: LessonsSettings = LessonsSettings()
    database: DatabaseSettings = DatabaseSettings()


@cache
def fields() -> dict[str, Field]:
    """Return every setting: dotted key -> its declaration, in the order above."""
    inner = {f"{name}.{leaf}": one for name, kind in sections().items() for leaf, one in kind.fields.items()}
    return {**Settings.fields, **inner}


@cache
def sections() -> dict[str, type[Section]]:
    """Return the sections: name -> class."""
    return {name: type(value) for name, value in vars(Settings).items() if isinstance(value, Section)}


def make_settings(values: Mapping[str, object]) -> Settings:
    """Return the settings with ``values``, right ones by dotted key; the others are the defaults."""
    tree: dict[str, dict[str, object]] = {}
    for dotted, value in values.items():
        section, _, leaf = dotted.rpartition(".")
        tree.setdefault(section, {})[leaf] = value
    top = tree.pop("", {})
    return Settings(**top, **{name: sections()[name](**given) for name, given in tree.items()})


def variable_name(dotted: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + dotted.upper().replace(".", "__")


def get_value(settings: Settings, dotted: str) -> object:
    """Return the value of ``dotted``, which must be one of :func:`fields`."""
    value: object = settings
    for part in dotted.split("."):
        value = getattr(value, part)
    return value


def settings_schema() -> Schema:
    """Return the JSON Schema of a config file: settings at top level, or under ``selfimprove:``."""
    empty = {"type": "null"}  # a section whose lines are all comments
    schema = _described(Settings)
    for name, section in sections().items():
        schema["properties"][name] = {"anyOf": [{"$ref": f"#/$defs/{section.__name__}"}, empty]}
    wrapped = {"type": "object", "properties": schema["properties"], "additionalProperties": False}
    wrapper = {"description": "All settings, as in a shared config.yaml.", "anyOf": [wrapped, empty]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {section.__name__: _described(section) for section in sections().values()},
        **schema,
        "properties": {**schema["properties"], WRAPPER: wrapper},
    }


def _described(section: type[Section]) -> Schema:
    properties = {}
    for name, (kind, default, description) in section.fields.items():
        plain = list(default) if isinstance(default, tuple) else default
        properties[name] = {"description": description, **kind.schema, "default": plain}
    return {
        "description": section.__doc__,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def variants(key: str) -> list[Schema]:
    """Return the JSON Schemas of which a value of ``key`` matches one."""
    return list(fields()[key].kind.variants)


def kinds(key: str) -> list[str]:
    """Return the JSON types of ``key``: ``integer``, ``null`` and so on."""
    return [variant["type"] for variant in variants(key)]


def choices(key: str) -> list[str]:
    """Return the words of which ``key`` is one; empty when it is free."""
    return [choice for variant in variants(key) for choice in variant.get("enum", [])]


def rule(key: str, depth: int = 0) -> str:
    """Return in words what a value of ``key`` must be, or one that stands ``depth`` mappings below it."""
    return in_words(variants(key), depth)
