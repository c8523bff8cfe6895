"""MiniLM in int8: like the model itself, kept by content, and shared."""

import importlib.util
import sqlite3
from collections.abc import Iterable, Mapping

import numpy as np
import pytest

from selfimprove.codebase import minilm
from selfimprove.codebase.minilm import SCALE, WIDTH, Kept, MiniLM, NotInstalled, fill

TEXTS = [
    "delete a file",
    "def remove(path):\n    path.unlink()",
    "send an email",
    "smtp.sendmail(message)",
    "",
]


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


class Team:
    """A shared cache that counts what it gave."""

    def __init__(self) -> None:
        self.vectors: dict[bytes, bytes] = {}

    def get(self, digests: Iterable[bytes]) -> dict[bytes, bytes]:
        return {digest: self.vectors[digest] for digest in digests if digest in self.vectors}

    def put(self, vectors: Mapping[bytes, bytes]) -> None:
        self.vectors |= vectors


def named() -> list[tuple[bytes, str]]:
    return [(bytes([number]), text) for number, text in enumerate(TEXTS)]


def test_the_int8_model_is_near_to_the_model_in_floats(model: MiniLM) -> None:
    """The reference: the same formula with the same weights in numpy, not rounded."""
    tensors = minilm._safetensors(minilm.folder() / "model.safetensors")
    for text in TEXTS:
        ids = model._tokenizer.encode(text).ids
        exact = reference(tensors, ids)
        assert float(exact @ model.query(text)) > 0.98


def reference(tensors: dict[str, np.ndarray], ids: list[int]) -> np.ndarray:
    """BERT as its paper has it, for one text."""
    from math import erf

    def linear(name: str, given: np.ndarray) -> np.ndarray:
        return given @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    def normal(name: str, given: np.ndarray) -> np.ndarray:
        centred = given - given.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    names = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    word, position, kind = (tensors[f"embeddings.{name}.weight"] for name in names)
    state = normal("embeddings.LayerNorm", word[ids] + position[: len(ids)] + kind[0])
    for number in range(6):
        layer = f"encoder.layer.{number}"
        query, key, value = (
            linear(f"{layer}.attention.self.{one}", state).reshape(len(ids), 12, 32).transpose(1, 0, 2)
            for one in ("query", "key", "value")
        )
        share = np.exp(query @ key.transpose(0, 2, 1) / 32**0.5)
        share /= share.sum(-1, keepdims=True)
        seen = (share @ value).transpose(1, 0, 2).reshape(len(ids), WIDTH)
        out = linear(f"{layer}.attention.output.dense", seen)
        state = normal(f"{layer}.attention.output.LayerNorm", state + out)
        wide = linear(f"{layer}.intermediate.dense", state)
        bent = wide / 2 * (1 + np.vectorize(erf)(wide / 2**0.5))
        state = normal(f"{layer}.output.LayerNorm", state + linear(f"{layer}.output.dense", bent))
    total = state.mean(0)
    return total / np.linalg.norm(total)


def test_a_question_is_nearest_to_its_function(model: MiniLM) -> None:
    rows = model.vectors(TEXTS).astype(float) / SCALE
    assert int((rows[[1, 3]] @ model.query("unlink a path")).argmax()) == 0
    assert int((rows[[1, 3]] @ model.query("post a letter by smtp")).argmax()) == 1
    assert model.vectors([]).shape == (0, WIDTH)


def test_long_texts_are_cut_off_and_lengths_do_not_matter_much(model: MiniLM) -> None:
    alone = model.vectors(["send an email"])[0].astype(float) / SCALE
    among = model.vectors(["word " * 5000, "send an email"])[1].astype(float) / SCALE
    assert float(alone @ among) > 0.97


def test_what_is_kept_is_not_embedded_again(model: MiniLM) -> None:
    kept = Kept(sqlite3.connect(":memory:"))
    assert list(fill(kept, model, named()[:3], batch=2)) == [2, 1]
    assert sum(fill(kept, model, named())) == 2
    found = kept.cosines([b"\0", b"new", b"\2"], model.query("delete a file"))
    assert found[0] > 0.97 > found[2]
    assert np.isnan(found[1])
    assert Kept(kept.db, "another version").get([b"\0"]) == {}


def test_what_a_colleague_embedded_is_taken_over(model: MiniLM) -> None:
    team = Team()
    assert sum(fill(Kept(sqlite3.connect(":memory:")), model, named(), team)) == len(TEXTS)
    mine = Kept(sqlite3.connect(":memory:"))
    assert sum(fill(mine, model, named(), team)) == 0
    assert mine.get([b"\1"])[b"\1"] == team.vectors[b"\1"]


def test_missing_parts_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(minilm, "find_spec", lambda name: None if name == "tokenizers" else real(name))
    with pytest.raises(NotInstalled, match="needs tokenizers"):
        minilm.folder()
