"""Stack traces as programs print them: the frames, the deepest first, and what is left to read as prose."""

from __future__ import annotations

import pytest

from selfimprove.codebase.query import Frame, understand

PYTHON = """\
The import fails

Traceback (most recent call last):
  File "/srv/app/main.py", line 10, in <module>
    main()
  File "/srv/app/billing/invoice.py", line 42, in total
    return self.amount / 0
           ~~~~~~~~~~~~^~~
ZeroDivisionError: division by zero
"""
JAVASCRIPT = """\
TypeError: Cannot read properties of undefined (reading 'amount')
    at Invoice.total (/srv/app/src/invoice.js:12:5)
    at async file:///srv/app/src/main.mjs:3:1
    at new Cart (webpack:///./src/cart.ts:30:4)
    at processTicksAndRejections (node:internal/process/task_queues:95:5)
"""
JAVA = """\
Exception in thread "main" java.lang.IllegalStateException: no amount
\tat com.example.billing.Invoice.total(Invoice.java:55)
\tat java.base/java.lang.Thread.run(Thread.java:829)
Caused by: com.example.Broken: x
\tat com.example.store.Rows.open(Rows.kt:7)
\t... 2 more
"""
GO = """\
panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
example.org/app/billing.(*Invoice).Total(0xc000012345, 0x5)
\t/srv/app/billing/invoice.go:33 +0x1d
main.main()
\t/srv/app/main.go:9 +0x20
"""
RUST = """\
thread 'main' panicked at src/invoice.rs:12:9:
index out of bounds: the len is 3 but the index is 5
stack backtrace:
   0: core::panicking::panic_fmt
             at /rustc/9fc6b431/library/core/src/panicking.rs:72:14
   1: app::invoice::total
             at ./src/invoice.rs:12:9
   2: app::main
             at ./src/main.rs:4:5
"""
RUBY = """\
app/models/invoice.rb:12:in `total': undefined method `amount' for nil:NilClass (NoMethodError)
\tfrom app/main.rb:3:in `<main>'
"""
PHP = "#0 /srv/app/src/Invoice.php(42): App\\Invoice->total()\n#1 /srv/app/index.php(7): run()\n"
CSHARP = """\
Unhandled exception. System.InvalidOperationException: no amount
   at App.Billing.Invoice.Total(Int32 count) in C:\\app\\Billing\\Invoice.cs:line 42
   at App.Program.Main(String[] args) in /srv/app/Program.cs:line 7
"""
FRAMES = {
    "Python": (PYTHON, [("/srv/app/billing/invoice.py", 42, "total"), ("/srv/app/main.py", 10, "")]),
    "JavaScript": (
        JAVASCRIPT,
        [
            ("/srv/app/src/invoice.js", 12, "Invoice.total"),
            ("/srv/app/src/main.mjs", 3, ""),
            ("src/cart.ts", 30, "Cart"),
        ],
    ),
    "Java": (
        JAVA,
        [
            ("Invoice.java", 55, "com.example.billing.Invoice.total"),
            ("Thread.java", 829, "java.lang.Thread.run"),
            ("Rows.kt", 7, "com.example.store.Rows.open"),
        ],
    ),
    "Go": (
        GO,
        [
            ("/srv/app/billing/invoice.go", 33, "example.org/app/billing.(*Invoice).Total"),
            ("/srv/app/main.go", 9, "main.main"),
        ],
    ),
    "Rust": (
        RUST,
        [
            ("/rustc/9fc6b431/library/core/src/panicking.rs", 72, "core::panicking::panic_fmt"),
            ("src/invoice.rs", 12, "app::invoice::total"),
            ("src/main.rs", 4, "app::main"),
            ("src/invoice.rs", 12, ""),
        ],
    ),
    "Ruby": (RUBY, [("app/models/invoice.rb", 12, "total"), ("app/main.rb", 3, "")]),
    "PHP": (
        PHP,
        [("/srv/app/src/Invoice.php", 42, "App\\Invoice->total"), ("/srv/app/index.php", 7, "run")],
    ),
    "C#": (
        CSHARP,
        [
            ("C:/app/Billing/Invoice.cs", 42, "App.Billing.Invoice.Total"),
            ("/srv/app/Program.cs", 7, "App.Program.Main"),
        ],
    ),
}


@pytest.mark.parametrize("language", FRAMES)
def test_frames(language: str) -> None:
    text, frames = FRAMES[language]
    query = understand(text)
    assert list(query.frames[: len(frames)]) == [Frame(*frame) for frame in frames]
    assert query.places[0][1] == frames[0][1]
    assert {"total"} <= set(query.terms)


def test_a_log_with_time_stamps_before_the_frames() -> None:
    text = "\n".join(f"12:00:01 ERROR {line}" for line in PYTHON.splitlines())
    assert ("/srv/app/billing/invoice.py", 42) in understand(text).places or understand(text).paths


def test_what_stands_around_frames_is_no_word_of_the_query() -> None:
    for text, _ in FRAMES.values():
        terms = understand(text).terms
        assert not {"traceback", "goroutin", "srv", "rustc", "stack", "thread"} & set(terms) - {"thread"}
    assert "zerodivisionerror" in {term.lstrip("=") for term in understand(PYTHON).terms}
