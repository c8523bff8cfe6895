"""Speech: the files and names that a sentence speaks of, and whether it is written in English."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from typing import NamedTuple

_TICKS = re.compile(r"(`{1,3})(?!`)([^`]{1,300})\1")
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://\S+", re.IGNORECASE)
_ENDINGS = (
    "py|pyi|ipynb|md|rst|txt|toml|cfg|ini|ya?ml|json|lock|sh|bash|js|jsx|mjs|ts|tsx|go|rs|java|kt|c|h|cc|cpp|hpp|cs|rb"
    "|php|swift|scala|ex|exs|html?|css|scss|sql|proto|xml|env|in|tf|dockerfile|gradle"
)
_FILE = re.compile(
    rf"(?<![\w@/.~-])[.~]{{0,2}}/?[\w.@+-]+(?:/[\w.@+-]+)*\.(?:{_ENDINGS})\b(?![\w/])", re.IGNORECASE
)
_SLASHED = re.compile(r"(?<![\w@/.~-])[\w.@+-]+(?:/[\w.@+-]+)+/?")
_NAME = re.compile(r"@?[^\W\d][\w.]*(?:\(.*\))?")
_WORD = re.compile(r"[^\W\d]\w*")
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+")
# Outside of backticks only what nobody writes in a sentence is a name: snake_case, camelCase, CamelCase, call().
_CODE = re.compile(
    r"\b(?:_*[^\W\d_]\w*_\w+|__\w+__|[^\W\d]\w*(?=\(\))"
    r"|[a-z]+[a-z0-9]*(?:[A-Z][a-z0-9]+)+|[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+|[A-Z]{2,}[a-z]{3,}\w*)\b"
)
_PRODUCT_NAMES = """
JavaScript TypeScript CoffeeScript GitHub GitLab BitBucket YouTube LinkedIn WordPress PowerShell PostgreSQL MySQL SQLite
NoSQL MongoDB DynamoDB RabbitMQ GraphQL OpenAPI OpenID OAuth OAuth2 WebSocket WebSockets WebAuthn OpenTelemetry OpenSSL
LibreSSL FastAPI NumPy SciPy PyTorch TensorFlow PyPI PyPy CycloneDX SonarQube CircleCI AppVeyor DevOps DevSecOps
CloudWatch BigQuery CodeQL StatsD InfluxDB ElasticSearch OpenSearch iPhone iOS macOS eBPF gRPC mTLS StackOverflow
HashiCorp IntelliJ PyCharm VSCode DataFrame ReadTheDocs SemVer CalVer ChangeLog ReadMe AsyncIO PyTest PyLint MyPy
python python3 pip git make docker npm pytest ruff mypy tox nox bash curl true false null
"""
_PRODUCTS = frozenset(_PRODUCT_NAMES.lower().split())
_KNOWN = frozenset(
    {*dir(builtins), *keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names, "self", "cls"}
)
_SPECIAL = re.compile(r"__\w+__")
_SHORT = 3  # letters; shorter words in code say nothing
_ENGLISH_WORDS = """
the a an to of in is are and that for with on not by be it as when which this from or if can must should at all into
each no has have so than then only its their there one
"""
# German, French, Spanish, Italian, Portuguese, Dutch: what is no word of English.
_FOREIGN_WORDS = """
der das und ist nicht ein eine einen zu mit auf von für werden wird sind dass auch wenn sich bei oder nur noch
le la les des et est pas une dans pour qui que sur avec sont par ce cette aux du sans plus être
el los las es una en por con para del se lo como más sin sus al está
gli di che non per sono della nel è alla dei più os não um uma em com do da dos das ser
het een van niet dat op te voor met zijn wordt deze ook worden
"""
_ENGLISH, _OTHERS = (
    frozenset(_ENGLISH_WORDS.split()),
    frozenset(_FOREIGN_WORDS.split()) - {"do", "plus", "van"},
)
_FEW = 4  # words below which nothing is said of the language
_FOREIGN = 0.2  # share of letters of another writing


class Named(NamedTuple):
    """The ``paths`` and the ``words`` of code that a text speaks of.

    ``slashed`` is what a slash joins in a sentence, which may be a path or two words.
    """

    paths: tuple[str, ...]
    words: tuple[str, ...]
    slashed: tuple[str, ...] = ()


def named(text: str) -> Named:
    """Return what ``text`` names: all code in backticks, and outside of them what only code is written like."""
    paths: list[str] = []
    words: list[str] = []
    for _, code in _TICKS.findall(text):
        some = _paths(code, ticked=True)
        paths += some
        rest = _DOTTED.sub(lambda found: "" if is_standard(found[0]) else found[0], _without(code, some))
        # A name alone is looked up whatever it looks like; a command or a piece of text is not all names.
        words += _WORD.findall(rest.partition("(")[0]) if _NAME.fullmatch(code.strip()) else []
        words += _CODE.findall(rest)
    plain = _URL.sub(" ", _TICKS.sub(" ", text))
    some = _paths(plain, ticked=False)
    paths += some
    plain = _without(plain, some)
    slashed = [found.rstrip("/") for found in _SLASHED.findall(plain)]
    words += _CODE.findall(_without(plain, slashed))
    return Named(
        tuple(dict.fromkeys(path.removeprefix("./").rstrip("/") for path in paths)),
        tuple(dict.fromkeys(word for word in words if _is_telling(word))),
        tuple(dict.fromkeys(slashed)),
    )


def _is_telling(word: str) -> bool:
    """True for a word that only this repository can explain."""
    if len(word) < _SHORT or word in _KNOWN or _SPECIAL.fullmatch(word):
        return False
    return word.lower() not in _PRODUCTS


def parts_of(name: str) -> list[str]:
    """Return the words that a declared name consists of: ``Cache.get`` has Cache and get."""
    return _WORD.findall(name)


def is_standard(dotted: str) -> bool:
    """True for a name of Python's standard library, ``json.loads``."""
    return dotted.partition(".")[0] in sys.stdlib_module_names


def is_english(text: str) -> bool:
    """Tell whether ``text`` is in the language of the question, as far as its words and letters show."""
    plain = _URL.sub(" ", _TICKS.sub(" ", text))
    letters = [char for char in plain if char.isalpha()]
    if sum(ord(char) > 0x24F for char in letters) > _FOREIGN * max(len(letters), 1):
        return False
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", plain)]
    if len(words) < _FEW:
        return True
    others = sum(word in _OTHERS for word in words)
    return others <= sum(word in _ENGLISH for word in words) or others < 2


def _paths(text: str, *, ticked: bool) -> list[str]:
    """Return the paths in ``text``; in a sentence a slash alone ("read/write") makes none."""
    found = [match[0] for match in _FILE.finditer(text)]
    if ticked and " " not in text.strip() and _SLASHED.fullmatch(text.strip()):
        found.append(text.strip())
    return list(dict.fromkeys(found))


def _without(text: str, paths: list[str]) -> str:
    for path in paths:
        text = text.replace(path, " ")
    return text
