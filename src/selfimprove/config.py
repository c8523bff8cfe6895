"""Configuration: reads every source of settings, and says which one won for each value."""

from __future__ import annotations

import contextlib
import re
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.configfile import (
    ConfigFile,
    Variable,
    find_repository_config,
    read_config,
    read_dotenv,
    user_config_path,
)
from selfimprove.errors import ConfigError
from selfimprove.kind import WrongValue, checked
from selfimprove.pyproject import PyProject, find_pyproject
from selfimprove.settings import (
    PREFIX,
    Settings,
    choices,
    fields,
    kinds,
    make_settings,
    masked,
    rule,
    sections,
    settings_schema,
    variable_name,
    variants,
)
from selfimprove.settings_parts import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Loaded", "Settings", "load_settings", "require_setting", "set_value", "settings_schema"]

ALLOWED_VARIABLES = frozenset(
    {"SELFIMPROVE_RUN_TOKEN", "SELFIMPROVE_RUN_TASK"}
)  # set by ourselves for the processes we start
ENVIRONMENT, COMMAND_LINE = "environment", "command line"
_URLS = ("database.url", "llm.base_url", "index.redis")


class Loaded(NamedTuple):
    """The settings, and for each dotted key where its value came from.

    An origin is ``default``, ``path:line``, ``environment NAME``, ``.env:line`` or ``command line``.
    ``environ`` is the environment with the missing names of ``.env`` added, for keys of model providers.
    """

    settings: Settings
    origins: dict[str, str]
    warnings: list[str]
    environ: dict[str, str]


class _Given(NamedTuple):
    """A value as one source gives it, and the place; ``inside`` finds that of a key of a mapping in it."""

    value: object
    origin: str
    inside: Callable[[Sequence[str]], str] | None = None


_Layer = dict[str, _Given]


def load_settings(
    root: Path | None,
    environ: Mapping[str, str],
    *,
    config_file: Path | None = None,
    flags: Mapping[str, object] | None = None,
) -> Loaded:
    """Return the settings for the repository ``root`` (``None``: outside of one).

    ``config_file`` takes the place of the repository's config file and of pyproject.toml. ``flags`` are dotted
    keys with the values of the command line; ``None`` is a flag that was not given. Raises ``ConfigError``.
    """
    files, warnings = _files(root, environ, config_file)
    variables, more = read_dotenv(root) if root else ([], [])
    unset = [variable for variable in variables if variable.name not in environ]
    given = {key: _Given(value, COMMAND_LINE) for key, value in (flags or {}).items() if value is not None}
    _refuse_unknown(given)
    _environment(variables)  # a wrong name is an error also where the environment hides it
    layers = [_checked(_flatten(file), strict=True) for file in files]
    layers.append(_checked(_environment(unset)))
    layers.append(_checked(_environment(_variables(environ))))
    layers.append(_checked(given))
    winners = _winners(layers)
    origins = {key: winners[key].origin if key in winners else "default" for key in fields()}
    settings = make_settings({key: value.value for key, value in winners.items()})
    merged = {variable.name: variable.value for variable in variables} | dict(environ)
    return Loaded(settings, origins, warnings + more, merged)


def _winners(layers: Iterable[_Layer]) -> _Layer:
    """Return the strongest value of each setting; ``layers`` come with the weakest first.

    A threshold and the same rule's limit in ``audit.limits`` are one thing: the stronger layer's counts, and
    both in one layer are a ``ConfigError``.
    """
    winners: _Layer = {}
    for layer in layers:
        limits = layer.get("audit.limits")
        for key, rule_id in THRESHOLDS.items():
            named = limits and _named(limits.value, rule_id)
            if limits and named and key in layer:
                raise ConfigError(
                    f"{named} in audit.limits is the same limit as {key}, and both are set",
                    where=f"{_inside(limits, [named])} and {layer[key].origin}",
                    hint="remove one of the two",
                )
            if named:
                winners.pop(key, None)
            weaker = winners.get("audit.limits")
            if key in layer and weaker and isinstance(weaker.value, dict):
                kept = {
                    name: limit for name, limit in weaker.value.items() if name.strip().upper() != rule_id
                }
                winners["audit.limits"] = weaker._replace(value=kept)
        winners |= layer
    return winners


def _named(limits: object, rule_id: str) -> str:
    """Return the rule as the limits spell it, ``""`` when they do not name it."""
    names = limits if isinstance(limits, dict) else {}
    return next((str(name) for name in names if str(name).strip().upper() == rule_id), "")


def _inside(given: _Given, keys: Sequence[str]) -> str:
    """Return the place of a key in a mapping, as precisely as the source tells it."""
    return given.inside(keys) if given.inside else given.origin


def set_value(path: Path, dotted: str, text: str) -> None:
    """Set ``dotted`` in the config file ``path`` (made when missing) to ``text``, comments and layout kept.

    ``text`` is what an environment variable would hold: ``null`` where null is allowed, lists as JSON or
    with commas. Raises ``ConfigError``, and then the file is unchanged.
    """
    require_setting(dotted)
    given = _checked({dotted: _Given(_from_text(dotted, text), COMMAND_LINE)})
    _refuse_password(dotted, given[dotted])
    value = given[dotted].value
    plain = list(value) if isinstance(value, tuple) else value
    from selfimprove.configedit import edit_config

    edit_config(
        path, dotted.split("."), plain, lambda file: _winners([_checked(_flatten(file), strict=True)])
    )


def _files(
    root: Path | None, environ: Mapping[str, str], config_file: Path | None
) -> tuple[list[ConfigFile | PyProject], list[str]]:
    """Return the config files that count, the weakest first, and warnings."""
    files: list[ConfigFile | PyProject] = []
    warnings: list[str] = []
    user = user_config_path(environ)
    with contextlib.suppress(FileNotFoundError):
        files.append(read_config(user, str(user)))
    if config_file is not None:
        try:
            files.append(read_config(config_file, str(config_file), shared=True))
        except FileNotFoundError:
            raise ConfigError(
                f"there is no config file {config_file}", where=COMMAND_LINE, hint=f"ls {config_file.parent}"
            ) from None
    elif root is not None:
        project = find_pyproject(root)
        file, warnings = find_repository_config(root)
        files += [one for one in (project, file) if one]
    return files, warnings


def _flatten(file: ConfigFile | PyProject) -> _Layer:
    """Return a file's settings by dotted key; raises ``ConfigError`` for unknown keys and for secrets."""
    layer: _Layer = {}
    for name, value in file.settings.items():
        if name not in sections():
            _refuse_dotted(str(name), file)
            layer[str(name)] = _Given(value, file.where([str(name)]))
        elif isinstance(value, dict):
            for leaf, inner in value.items():
                above = [name, str(leaf)]
                layer[f"{name}.{leaf}"] = _Given(inner, file.where(above), partial(_below, file, above))
        elif value is not None:  # a section whose lines are all comments is null
            raise ConfigError(
                f"{name} is {_shown(value)}, but must be a section with keys of its own",
                where=file.where([name]),
                hint=file.example.format(section=name),
            )
    _refuse_unknown(layer)
    for key, given in layer.items():
        _refuse_password(key, given)
    return layer


def _below(file: ConfigFile | PyProject, above: list[str], keys: Sequence[str]) -> str:
    return file.where([*above, *keys])


def _variables(environ: Mapping[str, str]) -> list[Variable]:
    return [Variable(name, text, f"{ENVIRONMENT} {name}") for name, text in sorted(environ.items())]


def _environment(variables: Iterable[Variable]) -> _Layer:
    """Return the ``SELFIMPROVE_*`` variables by dotted key; an empty one counts as not set."""
    keys = {variable_name(key): key for key in fields()}
    layer: _Layer = {}
    for variable in variables:
        name = variable.name
        if not name.startswith(PREFIX) or name in ALLOWED_VARIABLES:
            continue
        if name not in keys:
            raise _unknown(name, keys, variable.origin)
        if variable.value:
            layer[keys[name]] = _Given(_from_text(keys[name], variable.value), variable.origin)
    return layer


def _from_text(dotted: str, text: str) -> object:
    """Return what the text of a variable means: null, a list (JSON or commas), a mapping (JSON), or itself."""
    allowed = kinds(dotted)
    if text == "null" and "null" in allowed:
        return None
    if not {"array", "object"} & set(allowed):
        return text
    if "array" in allowed and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    import json  # most variables hold a word or a number

    try:
        return json.loads(text)
    except ValueError:
        return text


def _checked(layer: _Layer, *, strict: bool = False) -> _Layer:
    """Return the layer with values of the right type; raises ``ConfigError`` for the first wrong one.

    ``strict`` is for files, where a number is written as a number; variables hold only text.
    """
    right: _Layer = {}
    for key, given in layer.items():
        try:
            right[key] = given._replace(value=checked(variants(key), given.value, text=not strict))
        except WrongValue as problem:
            raise _wrong(key, given, problem) from None
    return right


def _refuse_dotted(name: str, file: ConfigFile | PyProject) -> None:
    section, _, leaf = name.rpartition(".")
    if name in fields() and section:
        yaml = isinstance(file, ConfigFile)
        hint = (
            f"write `{leaf}:` indented below `{section}:`" if yaml else file.example.format(section=section)
        )
        raise ConfigError(f"{name} is not a key of its own", where=file.where([name]), hint=hint)


def require_setting(dotted: str) -> None:
    """Raise ``ConfigError`` with the nearest name when ``dotted``, typed by a person, is not a setting."""
    _refuse_unknown({dotted: _Given(None, COMMAND_LINE)})


def _refuse_unknown(layer: _Layer) -> None:
    for key, given in layer.items():
        if key not in fields():
            raise _unknown(key, [*fields(), *sections()], given.origin)


def _refuse_password(key: str, given: _Given) -> None:
    if key in _URLS and masked(given.value) != given.value:
        raise ConfigError(
            f"{key} holds a password; secrets come from the environment or .env only",
            where=given.origin,
            hint=f"remove it here and export {variable_name(key)}=...",
        )


def _unknown(name: str, known: Iterable[str], origin: str) -> ConfigError:
    """Return the error for a key or variable that does not exist."""
    if name in sections():
        inner = ", ".join(key for key in fields() if key.startswith(f"{name}."))
        return ConfigError(f"{name} is a section, not a setting", where=origin, hint=f"it has {inner}")
    if _secret().search(name.removeprefix(PREFIX).rpartition(".")[2].lower()):
        message = f"{name} is not a setting: secrets come from the environment or .env only"
        return ConfigError(
            message, where=origin, hint="use the provider's own variable: export OPENAI_API_KEY=..."
        )
    near = _nearest(name, known)
    hint = f"did you mean {near}?" if near else "see all of them: selfimprove config show"
    return ConfigError(f"{name} is not a setting", where=origin, hint=hint)


@cache
def _secret() -> re.Pattern[str]:
    return re.compile(
        r"api_?-?key|secret|password|passwd|credential|(auth|access|api|bearer)_?-?token|(^|__)token$"
    )


def _nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a person most likely meant: in another section, or with a slip in it."""
    above = name.rpartition(".")[0]
    if above in fields():  # a key in a mapping, as in audit.limits.SI101
        return above
    depth = name.count(".")
    short = {key.removeprefix(PREFIX): key for key in known if key.count(".") >= depth}
    bare = name.removeprefix(PREFIX).upper() if name.startswith(PREFIX) else name.lower()
    leaf = bare.rpartition(".")[2]
    leaves = {key.rpartition(".")[2]: key for key in short}
    if leaf in leaves:
        return short[leaves[leaf]]
    if match := _closest(bare, short, 0.6):
        return short[match]
    match = _closest(leaf, leaves, 0.6)
    return short[leaves[match]] if match else None


def _closest(word: str, known: Iterable[str], likeness: float) -> str:
    from difflib import get_close_matches  # for errors only

    return next(iter(get_close_matches(word, list(known), 1, likeness)), "")


def _wrong(key: str, given: _Given, problem: WrongValue) -> ConfigError:
    """Return the error for a value of the wrong type or outside its range."""
    import json

    value, below = given.value, [str(part) for part in problem.path]
    for part in problem.path:
        value = value[part] if isinstance(value, dict) else value
    name, where = ".".join([key, *below]), _inside(given, below)
    if problem.name:
        message = (
            f"{name} has a name that is {_shown(problem.path[-1])}, but must be a text that is not empty"
        )
        return ConfigError(message, where=where, hint="put the name in quotes")
    message = f"{name} is {_shown(value)}, but must be {rule(key, len(below))}"
    near = _closest(str(value), choices(key), 0.5)
    default = fields()[key].default
    if near:
        hint = f"did you mean {near}?"
    elif given.origin.startswith(ENVIRONMENT):
        hint = f"unset {variable_name(key)}, or export a right value"
    else:
        hint = f"the default is {json.dumps(default)}; see: selfimprove config show"
    return ConfigError(message, where=where, hint=hint)


def _shown(value: object) -> str:
    text = repr(masked(value))
    return text if len(text) <= 60 else f"{text[:57]}..."
