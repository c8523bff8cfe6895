"""Words: identifiers split and joined, singular and plural, and which words are verbs, weak or mere grammar."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def listed(text: str) -> frozenset[str]:
    """Return the words of ``text`` as a set."""
    return frozenset(text.split())


_PART = re.compile(
    r"IPv[46]|PyPI|OAuth[0-9]?|GitHub|MySQL|SQLite|"  # acronyms that are one word whatever their letters
    r"(?<![A-Z])[A-Z][a-z][A-Z](?=[A-Z][a-z]|s?(?![A-Za-z]))s?|"  # AoT, NaN, DoS
    r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+"
)

_BETWEEN = re.compile(r"([a-z])2([a-z])")  # args2cmd

VERBS = listed(
    """
    abort accept accumulate acquire activate add adjust advance align allocate allow analyze annotate append
    apply assemble assert assign attach authenticate authorize balance begin bind block bootstrap bound break
    broadcast buffer build bump cache calculate call cancel canonicalize capture cast change check choose clamp
    classify clean cleanup clear clip clone close coerce collapse collect combine commit compact compare compile
    complete compose compress compute concatenate configure confirm connect consider construct consume contract
    convert copy correct count create crop cut deal deactivate decide decode decompress decorate decrease
    decrement decrypt deduplicate deduce default define delegate delete deliver dequeue derive describe
    deserialize destroy detach detect determine disable discard disconnect discover dispatch display distribute
    divide download drain draw drop dump echo edit eject eliminate emit emulate enable encode encrypt end
    enforce enqueue ensure enter enumerate erase escape establish estimate evaluate evict examine exclude
    execute exit expand expect explode export expose extend extract fail fall feed fetch fill filter finalize
    find finish fit fix flag flatten flip flush fold follow force format forward free freeze gather generate get
    give grab group grow guard guess handle hash hide highlight hook identify ignore import include increase
    increment indent index infer inherit init initialize inject insert inspect install instantiate intercept
    interpolate interpret intersect invalidate invert invoke isolate iterate join jump justify keep kill launch
    lay limit link list listen load locate lock log look lookup loop lower make map mark mask match materialize
    measure memoize merge migrate mock modify monitor mount move multiply mutate narrow navigate negate
    negotiate normalize note notify number obtain offset omit open optimize order output overlay override pack
    pad paginate paint pair parse partition pass paste patch perform permute persist pick ping place plan play poll
    pop populate position post postprocess prefix prepare prepend preprocess present preserve press prevent
    print probe process produce profile promote prompt propagate protect prove provide prune publish pull purge
    push put query queue quote raise randomize rank read rebuild recalculate receive recompute reconcile record
    recover recurse redirect reduce refill refine reformat refresh refuse register reject release reload
    relocate remap remember remove rename render reorder repeat replace replay report request require reserve
    reset reshape resize resolve respond restart restore restrict retrieve retry return reuse reverse revert
    rewind rewrite rotate round route run sample sanitize save scale scan schedule search seek select send
    separate serialize serve set setup shift shorten show shrink shuffle shut sign simplify simulate skip sleep
    slice slide snapshot solve sort spawn specify split squash stack standardize start stash step stop store
    stream strip stringify submit subscribe substitute subtract suggest sum summarize suppress swap switch
    symlink chmod chown sync synchronize tag take tear terminate test throw time toggle tokenize touch trace
    track transfer transform translate transpose traverse treat trigger trim truncate try tune turn uncompress
    undo unescape unify uninstall unlink unlock unpack unquote unregister unset unwrap update upgrade upload
    uppercase use validate verify visit wait walk warn watch wrap write yield zip
    """
)
"""Verbs of programming in their plain form. Many are nouns as well: a verb is asked for at the front only."""

BOTH = listed(
    """
    block bound buffer cache call change check clone copy count cut default display dump echo end exit export
    fix flag filter fit format guard hash hook import index indent init input insert install join jump kill
    limit link list load lock log look loop map mark mask match measure name note number offset order pad pass
    patch place plan play position post prefix present process profile prompt query queue quote rank record
    repeat report request return reverse round route run sample scale scan schedule search set shift sign slice
    snapshot sort split stack start step stop store stream sum switch tag test time trace track turn use wait
    walk watch wrap zip address group value
    """
)
"""Words that name a thing as readily as an action: alone in an identifier they are nouns."""

WEAK = listed(
    """
    a an any b bar baz c cur curr current d e el ex exc f foo fn func g h i idx j k l m misc my n nxt o obj
    object one orig other p q r ref res result results ret retval return returned rv s self cls some something
    stuff t temp thing things this tmp todo two u v val vals w x xs y z aa bb cc dd kk vv ii jj acc
    """
)
"""Words that say nothing about what a value means. They may stand beside a better one, never alone."""

PALE = listed(
    "arg args kwarg kwargs data item items entry entries element elements info input new next prev previous old out "
    "output first last value values var line lines part parts bit bits piece pieces chunk chunks buf buffer text "
    "string str list dict tuple src dst elem"
)
"""Words that say little: what stands beside them in the code is a better name."""

TYPES = listed("str string list dict tuple set int float bool func fn cb obj")
"""Endings of names that only say of what type a value is: ``port_str`` is a port."""

ARTICLES = listed("a an the this that these those its their our your any all each every some such")

PREPOSITIONS = listed(
    """
    about above across after against along among around as at because before below beside besides between beyond
    but by despite during except for from if in inside into like near of off on onto or out outside over per
    provided since so than then through throughout to toward towards under unless until up upon using via was
    were when where whether which while who whose with within without and is are be been being has have had will
    would can could should may might must do does did not no it we they you i he she
    """
)
"""Where the object of a sentence ends."""

QUESTIONS = listed(
    "need is are was has have had can could should may must needs allows supports does contains"
)
"""What the name of a truth value begins with."""

_IRREGULAR = {
    "indices": "index", "indexes": "index", "vertices": "vertex", "matrices": "matrix", "children": "child",
    "people": "person", "men": "man", "women": "woman", "feet": "foot", "mice": "mouse", "data": "data",
    "series": "series", "species": "species", "criteria": "criterion", "analyses": "analysis", "bases": "base",
    "axes": "axis", "aliases": "alias", "statuses": "status", "buses": "bus", "caches": "cache", "movies": "movie",
    "ties": "tie", "cookies": "cookie", "headers": "header", "queries": "query", "leaves": "leaf", "halves": "half",
    "lives": "life", "choices": "choice", "dependencies": "dependency", "news": "news", "attrs": "attr",
    "kwargs": "kwarg", "args": "arg", "lens": "lens", "classes": "class", "processes": "process",
}  # fmt: skip
_UNCOUNTED = listed(
    "seen done known text html json xml css sql metadata info output input state other first last all"
)
_PLURAL = {one: many for many, one in reversed(_IRREGULAR.items())}
_NO_PLURAL = re.compile(r".*(ss|us|is|ics|ous|as|os)$")


def split(identifier: str) -> tuple[str, ...]:
    """Return an identifier's words in lower case: ``HTTPServer2`` has ``http`` and ``server2``."""
    return tuple(part.lower() for part in _PART.findall(_BETWEEN.sub(r"\1_to_\2", identifier)))


def joined(words: Iterable[str], *, camel: bool = False) -> str:
    """Return a private identifier made of ``words``: ``_read_header``, or ``_readHeader`` with ``camel``."""
    first, *rest = words
    if camel:
        return "_" + first + "".join(word[:1].upper() + word[1:] for word in rest)
    return "_" + "_".join((first, *rest))


def is_plural(word: str) -> bool:
    """True for a word that reads as more than one."""
    return singular(word) != word


def singular(word: str) -> str:
    """Return the form for one thing; a word that has no other form comes back as it is."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _UNCOUNTED:
        return word
    if len(word) < 4 or _NO_PLURAL.match(word) or not word.endswith("s"):
        return word[:-1] if word in ("ids", "ops", "dbs", "ips") else word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def plural(word: str) -> str:
    """Return the form for many things; a word that reads as many already, or is no noun, comes back as it is."""
    if is_plural(word) or word in _IRREGULAR or word.endswith(("ed", "ing")) or word in _UNCOUNTED:
        return word
    if word in _PLURAL:
        return _PLURAL[word]
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return word[:-1] + "ies"
    return word + "s"


def imperative(word: str) -> str | None:
    """Return the plain form of a verb in any form ("Collects", "collecting"), ``None`` for what is no verb."""
    word = word.lower()
    if word in VERBS:
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            stem = word[: -len(ending)]
            for plain in (stem + instead, stem[:-1] if stem[-1:] == stem[-2:-1] else ""):
                if plain in VERBS:
                    return plain
    return None


_ENDINGS = (("ies", "y"), ("es", ""), ("s", ""), ("ying", "y"), ("ing", ""), ("ing", "e"))


def strong(words: Iterable[str]) -> tuple[str, ...]:
    """Return ``words`` when at least one of them means something, without weak ones at their front; else nothing."""
    found = [_FULL.get(word, word) for word in words]
    while found and found[0] in _FADING and len(found) > 1:
        del found[0]
    return tuple(found) if any(meaningful(word) for word in found) else ()


_FADING = listed("a an e cur curr current my tmp temp this the orig self cls n num")
_FULL = {"val": "value", "vals": "values"}


_SHORT = listed(
    "id ip db os io fd fp ui tz ws op pk ok cn up no in or to of as at by on ns qs ts ms px dx dy lo hi"
)


def head(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words up to the first preposition: ``newline_in_table`` is a newline."""
    end = next((at for at, word in enumerate(words) if at and word in PREPOSITIONS), len(words))
    return tuple(words[:end]) if any(map(meaningful, words[:end])) else tuple(words)


def meaningful(word: str) -> bool:
    """True for a word of which a reader learns something."""
    return (len(word) > 2 or word in _SHORT) and word not in WEAK and not word.isdigit()
