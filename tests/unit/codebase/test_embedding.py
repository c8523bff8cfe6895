"""The static embedding: what is alike in meaning is near, and a vector depends on nothing but its chunk."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from selfimprove.codebase.embedding import SCALE, WIDTH, Embedding, NoWeights, load, write
from selfimprove.codebase.words import Bags, bags, words
from selfimprove.model.chunk import Chunk, FileChunks

FUNCTIONS = {
    "store.py": (
        "Store.remove",
        "def remove(self, key):\n    del self.entries[key]\n    self.file.unlink()\n",
    ),
    "mail.py": (
        "send_mail",
        "def send_mail(to, subject):\n    smtp.connect(host)\n    smtp.send(to, subject)\n",
    ),
    "matrix.py": ("invert", "def invert(matrix):\n    return solve(matrix, identity(len(matrix)))\n"),
    "clock.py": ("parse_date", "def parse_date(text):\n    return datetime.strptime(text, '%Y-%m-%d')\n"),
}


def counted(*paths: str) -> Bags:
    def one(path: str) -> tuple[str, FileChunks, str]:
        name, text = FUNCTIONS[path]
        return path, FileChunks("python", (Chunk(1, text.count("\n"), "function", qualified=name),)), text

    return bags(one(path) for path in paths)


def asked(text: str) -> dict[str, float]:
    return dict.fromkeys(words(text), 1.0)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("delete an item from disk", "store.py"),
        ("deliver an email message", "mail.py"),
        ("linear algebra inverse", "matrix.py"),
        ("convert a string to a time", "clock.py"),
    ],
)
def test_a_question_in_other_words_is_nearest_to_its_function(query: str, path: str) -> None:
    embedding = load()
    vectors = embedding.vectors(counted(*FUNCTIONS), len(FUNCTIONS)).astype(float)
    likeness = vectors @ embedding.query(asked(query))
    assert list(FUNCTIONS)[int(likeness.argmax())] == path


def test_vectors_are_unit_vectors_in_bytes() -> None:
    embedding = load()
    vectors = embedding.vectors(counted(*FUNCTIONS), len(FUNCTIONS))
    assert vectors.dtype == np.int8
    assert vectors.shape == (4, WIDTH)
    assert np.allclose(np.linalg.norm(vectors.astype(float) / SCALE, axis=1), 1, atol=0.02)
    assert np.isclose(np.linalg.norm(embedding.query(asked("read a file"))), 1)


def test_a_vector_does_not_depend_on_its_batch() -> None:
    embedding = load()
    many = [*FUNCTIONS] * 150
    together = embedding.vectors(counted(*many), len(many))
    for place, path in enumerate(FUNCTIONS):
        alone = embedding.vectors(counted(path), 1)[0]
        assert (together[place::4] == alone).all()


def test_chunks_without_a_known_word_and_empty_batches_have_zeros() -> None:
    embedding = load()
    text = "qqzzv\n\n"
    found = bags([("qqzzw", FileChunks("", (Chunk(1, 1, "block"), Chunk(2, 2, "block"))), text)])
    assert not embedding.vectors(found, 2).any()
    assert embedding.vectors(bags([]), 0).shape == (0, WIDTH)
    assert not embedding.query({"qqzzv": 1.0, "=qqzzv_x": 1.0, "\ud800": 1.0}).any()
    assert not embedding.query({}).any()


def test_a_question_finds_the_same_rows_as_a_batch() -> None:
    """The query looks a term up by bisection, a batch by a table."""
    embedding = load()
    text = "file http sort zip user\n"
    found = bags([("", FileChunks("", (Chunk(1, 1, "block"),)), text)])
    rows = embedding._rows_of(found.terms)
    assert [embedding._row(term) for term in found.terms] == rows.tolist()
    assert (rows >= 0).all()


def test_long_chunks_are_summed_exactly() -> None:
    """A chunk with thousands of different terms is the same whether its neighbours are long or not."""
    embedding = load()
    terms = bytes(embedding._letters).decode().split("\n")[:3000]
    text = " ".join(terms) + "\n"
    one = FileChunks("", (Chunk(1, 1, "block"),))
    alone = embedding.vectors(bags([("a.txt", one, text)]), 1)
    among = embedding.vectors(bags([("b/c.py", one, "x = sort\n"), ("a.txt", one, text)] * 60), 120)
    assert (among[1::2] == alone).all()


def small(path: Path) -> None:
    unit = np.zeros((3, WIDTH), dtype=np.float32)
    unit[0, 0] = unit[1, 1] = unit[2, 2] = 1
    write(path, ["zebra", "apple", "äpfel"], unit, np.array([[1, 2, 3], [4, 5, 6]], np.float32), [2, 1, 1])


def test_written_weights_are_read_again(tmp_path: Path) -> None:
    small(tmp_path / "w.bin")
    embedding = Embedding(tmp_path / "w.bin")
    assert embedding.fields.tolist() == [0.5, 0.25, 0.25]
    assert embedding.query({"äpfel": 1.0})[2] == 1
    assert embedding.query({"zebra": 1.0, "apple": -1.0})[:2] == pytest.approx(np.array([4, -5]) / 41**0.5)
    small(tmp_path / "again.bin")
    assert Embedding(tmp_path / "again.bin").version == embedding.version
    write(
        tmp_path / "other.bin", ["a"], np.ones((1, WIDTH), np.float32), np.ones((2, 1), np.float32), [1, 1, 1]
    )
    assert Embedding(tmp_path / "other.bin").version != embedding.version


@pytest.mark.parametrize("spoil", ["missing", "empty", "cut", "other"])
def test_broken_weights_are_told_by_a_reason(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "w.bin"
    if spoil != "missing":
        small(path)
        whole = path.read_bytes()
        path.write_bytes({"empty": b"", "cut": whole[:-9], "other": b"SIVEC999" + whole[8:]}[spoil])
    with pytest.raises(NoWeights, match=r"w\.bin"):
        Embedding(path)


def test_the_weights_that_ship_are_small_and_of_stems_only() -> None:
    embedding = load()
    terms = bytes(embedding._letters).decode().split("\n")
    assert 10_000 < len(terms) == len(set(terms))
    assert terms == sorted(terms, key=str.encode)
    assert not [term for term in terms if term.startswith("=")]
    assert (
        Path(sys.modules[Embedding.__module__].__file__ or "").with_name("static.bin").stat().st_size
        < 4_500_000
    )


def test_loading_needs_no_numpy_until_it_is_asked() -> None:
    code = "import sys, selfimprove.codebase.embedding; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
