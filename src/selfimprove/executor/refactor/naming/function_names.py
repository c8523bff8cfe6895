"""Function names: the verb and the thing in what a function is called: ``parse`` and ``url`` in ``parse_url``."""

from __future__ import annotations

from selfimprove.executor.refactor.naming.words_of import (
    BOTH,
    PREPOSITIONS,
    QUESTIONS,
    VERBS,
    listed,
    split,
    strong,
)

_FRONTS = ("copy", "format", "make", "load", "read", "parse", "rm", "mk", "set", "get")
_MAKERS = listed("from of")


def verb_of(name: str) -> str:
    """Return the verb at the front of a function's name, "" for a name that has none; ``copytree`` has one."""
    words = split(name.rstrip("0123456789"))
    if not words or name.strip("_")[:1].isupper():
        return ""
    if _is_verb(words[0]):
        return words[0]
    if len(words) > 1 and words[-1] in VERBS and words[-1] not in BOTH:
        return words[-1]
    front = _front(words[0])
    return {"rm": "remove", "mk": "make"}.get(front, front)


def object_of(name: str) -> tuple[str, ...]:
    """Return what stands beside the verb in a function's name: ``parse_url`` has ``url``, ``args2cmd`` ``cmd``."""
    words = list(split(name.rstrip("0123456789")))
    if words and (front := _front(words[0])):
        words[0] = words[0][len(front) :]
    while len(words) > 1 and (_is_verb(words[0]) or words[0] in ("iter", "do", "on", "to")):
        del words[0]
    if "to" in words[:-1]:
        words = words[words.index("to") + 1 :]
    if len(words) > 1 and words[-1] in VERBS - BOTH:
        del words[-1]
    kept = tuple(word for word in words if word not in PREPOSITIONS | QUESTIONS and len(word) > 1)
    return () if len(split(name)) == 1 and kept and _is_verb(kept[0]) else kept


def own_noun(name: str) -> tuple[str, ...] | None:
    """Return the words of the thing in a function's name, ``None`` for a name without one, as of a question."""
    words = split(name)
    if name.startswith("__"):
        return ()
    if words[:1] and words[0] in (*QUESTIONS, *_MAKERS):
        return None
    return strong(object_of(name)) if verb_of(name) else strong(words[-2:]) or None


def _is_verb(word: str) -> bool:
    return word in VERBS or (word.endswith(("ize", "ify")) and word not in ("size", "prize", "resize"))


def _front(word: str) -> str:
    """Return the verb that a word of several in one begins with: ``copytree``, ``mkdir``."""
    if word in VERBS:
        return ""
    return next((front for front in _FRONTS if word.startswith(front) and len(word) - len(front) >= 3), "")
