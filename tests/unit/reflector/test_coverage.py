"""Coverage from what coverage.py leaves behind, also when a stranger left it."""

from __future__ import annotations

import ast
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from selfimprove.reflector import coverage
from selfimprove.reflector.coverage import read_coverage
from selfimprove.reflector.statements import statement_lines

FILES = ("src/shop/cart.py", "src/shop/__init__.py", "tests/test_cart.py")
LINES = "".join(f'<line number="{n}" hits="{n % 4 and 1}"/>' for n in range(1, 9))  # 6 of 8
SOURCE = '''"""Doc."""
import os


@property
def f(
    a,
):
    """Doc."""
    global x
    y: int
    if a: return 1
    try:
        x = (
            2
        )
    except ValueError:  # pragma: no cover
        x = 3
    match a:
        case 1:
            return 4
    return x
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(SOURCE)
        os.utime(tmp_path / name, (1000, 1000))
    return tmp_path


def xml(name: str, *sources: str, lines: str = LINES, head: str = "") -> str:
    """A report in the form that coverage.py writes."""
    where = "".join(f"<source>{source}</source>" for source in sources)
    return (
        f'<?xml version="1.0" ?>\n{head}<coverage version="7.6" line-rate="0.1"><sources>{where}</sources>'
        f'<packages><package name="shop"><classes><class name="cart.py" filename="{name}" line-rate="0.1">'
        f"<methods/><lines>{lines}</lines></class></classes></package></packages></coverage>"
    )


def database(path: Path, file: str, lines: set[int] | None, arcs: list[tuple[int, int]]) -> None:
    """A database with the tables of coverage.py."""
    made = sqlite3.connect(path)
    made.executescript(
        "create table file (id integer primary key, path text);"
        "create table line_bits (file_id integer, context_id integer, numbits blob);"
        "create table arc (file_id integer, context_id integer, fromno integer, tono integer);"
    )
    made.execute("insert into file values (1, ?)", (file,))
    if lines is not None:
        bits = bytearray(max(lines) // 8 + 1)
        for line in lines:
            bits[line // 8] |= 1 << line % 8
        made.execute("insert into line_bits values (1, 1, ?)", (bytes(bits),))
    made.executemany("insert into arc values (1, 1, ?, ?)", arcs)
    made.commit()
    made.close()


@pytest.mark.parametrize(
    ("name", "sources"),
    [
        ("src/shop/cart.py", ("{root}",)),
        ("shop/cart.py", ("{root}/src",)),
        ("cart.py", ("{root}/tests", "{root}/src/shop")),
        ("cart.py", ("/home/runner/work/shop/shop/src/shop",)),
        ("{root}/src/shop/cart.py", ("",)),
        ("/builds/project/src/shop/cart.py", ()),
        ("src\\shop\\cart.py", ("C:\\work",)),
        ("src/shop/cart.py", ()),
    ],
)
def test_a_file_is_known_by_every_name_that_a_report_gives_it(
    root: Path, name: str, sources: tuple[str, ...]
) -> None:
    text = xml(name.format(root=root), *(source.format(root=root) for source in sources))
    (root / "coverage.xml").write_text(text)
    assert read_coverage(root, FILES) == ({"src/shop/cart.py": 75.0}, [])


@pytest.mark.parametrize("name", ["__init__.py", "lib/other.py", "../../etc/passwd", "/usr/lib/cart.py", ""])
def test_what_is_not_surely_a_file_of_ours_is_not_taken(root: Path, name: str) -> None:
    (root / "coverage.xml").write_text(xml(name, "/ci/elsewhere"))
    assert read_coverage(root, FILES) == ({}, ["coverage.xml has no file of this audit"])


def test_a_dtd_that_is_named_is_not_fetched(root: Path) -> None:
    head = '<!DOCTYPE coverage SYSTEM "http://127.0.0.1:9/coverage-04.dtd">\n'
    (root / "coverage.xml").write_text(xml("src/shop/cart.py", head=head))
    assert read_coverage(root, FILES) == ({"src/shop/cart.py": 75.0}, [])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            '<!DOCTYPE coverage [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><coverage>&b;</coverage>',
            "it declares entities",
        ),
        ('<!DOCTYPE coverage [<!ENTITY a SYSTEM "file:///etc/passwd">]><coverage/>', "it declares entities"),
        (
            '<!DOCTYPE coverage [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><coverage/>',
            "it declares entities",
        ),
        ("<report/>", "its first element is <report>, not <coverage>"),
        ("<coverage>", "it is not well-formed XML (no element found: line 1, column 10)"),
        ("", "it is not well-formed XML (no element found: line 1, column 0)"),
        (xml("a.py", lines='<line number="x" hits="1"/>'), "it is not well-formed XML (invalid literal"),
        (xml("a.py", lines=f'<line number="{"9" * 5000}"/>'), "it is not well-formed XML (Exceeds the limit"),
    ],
)
def test_a_report_that_is_none_is_a_note(root: Path, text: str, why: str) -> None:
    (root / "coverage.xml").write_text(text)
    shares, (note,) = read_coverage(root, FILES)
    assert not shares
    assert note.startswith(f"coverage.xml was not read: {why}")


def test_a_huge_report_is_a_note(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "_LARGEST", 1_000_000)
    (root / "coverage.xml").write_bytes(b" " * 1_000_001)
    (root / ".coverage").write_bytes(b" " * 1_000_001)
    shares, notes = read_coverage(root, FILES)
    assert not shares
    assert sorted(notes) == [
        f"{name} was not read: it is larger than 1 MB" for name in (".coverage", "coverage.xml")
    ]


def test_very_many_sources_are_a_note(root: Path) -> None:
    sources = [f"/s{number}" for number in range(3000)]
    (root / "coverage.xml").write_text(xml("src/shop/cart.py", *sources))
    assert read_coverage(root, FILES) == ({}, ["coverage.xml was not read: it has more than 100 sources"])
    (root / "coverage.xml").write_text(xml("src/shop/cart.py", *["/s"] * 3000))
    assert set(read_coverage(root, FILES)[0]) == {"src/shop/cart.py"}


def test_what_is_looked_at_does_not_multiply(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred sources and thousands of names that no file has, or one file in a thousand spellings."""
    looked: list[str] = []
    normal = os.path.normpath
    monkeypatch.setattr(os.path, "normpath", lambda path: (looked.append(str(path)), normal(path))[1])
    spelt = [f"{'./' * number}cart.py" for number in range(1000)]
    rows = "".join(
        f'<class filename="{name}"><lines>{LINES}</lines></class>'
        for name in [*spelt, *(f"f{number}.py" for number in range(5000))]
    )
    where = "".join(f"<source>/other/{number}/src/shop</source>" for number in range(100))
    (root / "coverage.xml").write_text(f"<coverage><sources>{where}</sources>{rows}</coverage>")
    assert set(read_coverage(root, FILES)[0]) == {"src/shop/cart.py"}
    assert len(looked) < 1000


def test_rows_of_one_file_are_joined_whatever_their_length(root: Path) -> None:
    database(root / ".coverage", str(root / FILES[0]), None, [])
    with closing(sqlite3.connect(root / ".coverage")) as data, data:
        file = data.execute("select id from file").fetchone()[0]
        data.execute("delete from line_bits")
        columns = "file_id, context_id, numbits"
        rows = [(file, number, bytes([1 << number % 8]) * (number % 3)) for number in range(40)]
        data.executemany(f"insert into line_bits ({columns}) values (?, ?, ?)", rows)
        data.execute("delete from arc")
    alone = read_coverage(root, FILES)[0][FILES[0]]
    with closing(sqlite3.connect(root / ".coverage")) as data, data:
        data.execute("delete from line_bits")
        data.execute(f"insert into line_bits ({columns}) values (?, ?, ?)", (file, 0, b"\xff\xff"))
    assert read_coverage(root, FILES)[0][FILES[0]] == alone > 0


def test_several_classes_of_one_file_are_joined_and_methods_do_not_count_twice(root: Path) -> None:
    one, two = ('<line number="1" hits="1"/>', '<line number="2" hits="0"/>')
    text = xml("src/shop/cart.py", lines=one).replace(
        "</classes>",
        '<class name="x" filename="src/shop/cart.py"><methods><method name="m"><lines>'
        f'<line number="99" hits="0"/></lines></method></methods><lines>{two}</lines></class></classes>',
    )
    (root / "coverage.xml").write_text(text)
    assert read_coverage(root, FILES)[0] == {"src/shop/cart.py": 50.0}


def test_json(root: Path) -> None:
    lines = {"executed_lines": [1, 2, 3], "missing_lines": [4], "summary": {}}
    (root / "coverage.json").write_text(json.dumps({"files": {"src/shop/cart.py": lines, "other.py": lines}}))
    assert read_coverage(root, FILES) == ({"src/shop/cart.py": 75.0}, [])
    for text in ("[]", "{}", '{"files": [1]}', "[" * 100_000, "\x00"):
        (root / "coverage.json").write_text(text)
        assert read_coverage(root, FILES) == (
            {},
            ["coverage.json was not read: it is not coverage.py's JSON"],
        )


def test_statements_are_those_that_coverage_py_counts() -> None:
    starts = statement_lines(SOURCE.encode())
    assert sorted(set(starts.values())) == [2, 5, 6, 12, 13, 14, 19, 20, 21, 22]
    assert starts[15] == starts[16] == 14
    assert len(ast.parse(SOURCE).body) == 3


@pytest.mark.parametrize(
    ("lines", "arcs"),
    [({2, 5, 6, 12, 13}, []), (None, [(-1, 2), (2, 5), (5, 6), (6, -1), (12, 13), (13, -6)])],
    ids=["lines", "branches"],
)
def test_the_database_is_read_and_left_as_it_is(
    root: Path, lines: set[int] | None, arcs: list[tuple[int, int]]
) -> None:
    database(root / ".coverage", str(root / "src/shop/cart.py"), lines, arcs)
    before = {path.name: path.read_bytes() for path in root.iterdir() if path.is_file()}
    assert read_coverage(root, FILES) == ({"src/shop/cart.py": 50.0}, [])
    assert {path.name: path.read_bytes() for path in root.iterdir() if path.is_file()} == before


def test_a_database_that_is_none_is_a_note(root: Path) -> None:
    (root / ".coverage").write_bytes(b"SQLite format 3\x00" + b"\xff" * 500)
    shares, (note,) = read_coverage(root, FILES)
    assert (shares, note.startswith(".coverage was not read: it is not coverage.py's database (")) == (
        {},
        True,
    )


def test_a_view_in_place_of_a_table_is_not_asked(root: Path) -> None:
    made = sqlite3.connect(root / ".coverage")
    made.executescript(
        "create table line_bits (file_id, numbits); create view file as with recursive n(id) as "
        "(select 1 union all select id + 1 from n) select id, 'a' as path from n;"
    )
    made.close()
    note = ".coverage was not read: it is not coverage.py's database (other tables)"
    assert read_coverage(root, FILES) == ({}, [note])


def test_the_newer_report_wins_and_a_broken_one_gives_way(root: Path) -> None:
    lines = {"executed_lines": [1], "missing_lines": []}
    (root / "coverage.json").write_text(json.dumps({"files": {"src/shop/cart.py": lines}}))
    (root / "coverage.xml").write_text(xml("src/shop/cart.py"))
    os.utime(root / "coverage.json", (2000, 2000))
    os.utime(root / "coverage.xml", (3000, 3000))
    assert read_coverage(root, FILES) == ({"src/shop/cart.py": 75.0}, [])
    (root / "coverage.xml").write_text("<report/>")
    os.utime(root / "coverage.xml", (3000, 3000))
    shares, notes = read_coverage(root, FILES)
    assert (shares, len(notes)) == ({"src/shop/cart.py": 100.0}, 1)


def test_a_report_that_is_older_than_the_code_says_so(root: Path) -> None:
    (root / "coverage.xml").write_text(xml("src/shop/cart.py"))
    os.utime(root / "coverage.xml", (500, 500))
    note = "coverage.xml is older than src/shop/cart.py: coverage may be of an earlier state"
    assert read_coverage(root, FILES) == ({"src/shop/cart.py": 75.0}, [note])


def test_nothing_is_there(root: Path) -> None:
    (root / ".coverage").mkdir()
    assert read_coverage(root, FILES) == ({}, [])


@pytest.mark.parametrize("numbits", [None, 10**12, "text", b"\xff" * 100_001])
def test_strange_line_numbers_are_a_note(root: Path, numbits: object) -> None:
    database(root / ".coverage", "src/shop/cart.py", None, [])
    made = sqlite3.connect(root / ".coverage")
    made.execute("insert into line_bits values (1, 1, ?)", (numbits,))
    made.commit()
    made.close()
    note = ".coverage was not read: it is not coverage.py's database (strange line numbers)"
    assert read_coverage(root, FILES) == ({}, [note])
