"""What a person reads: complete lines where there is no terminal, fitted ones where there is."""

from __future__ import annotations

import io
import re
import textwrap

import pytest
from rich.cells import cell_len
from rich.console import Console

from selfimprove.model.audit import Audit, FileFacts, NotAnalysed, Revision, Trend, TrendLine
from selfimprove.model.budget import Budget
from selfimprove.model.finding import Finding, Severity
from selfimprove.model.outcome import Objection, Outcome
from selfimprove.model.plan import Plan, Waiting
from selfimprove.model.run import Run
from selfimprove.model.task import Status, Task
from selfimprove.report.markdown import audit_markdown, plan_markdown, run_markdown
from selfimprove.report.overview import sparkline, trend_rows, trend_title
from selfimprove.report.table import (
    audit_page,
    history_table,
    plan_table,
    run_summary,
    tasks_table,
)
from selfimprove.report.wording import audit_totals, duration, number, visible


class Terminal(io.StringIO):
    """A file that says of itself that it is a terminal."""

    def isatty(self) -> bool:
        return True


class Screen:
    """A console and what it wrote."""

    def __init__(self, *, terminal: bool = False, width: int = 80) -> None:
        self._file = Terminal() if terminal else io.StringIO()
        self.console = Console(
            file=self._file,
            force_terminal=terminal,
            width=width if terminal else None,
            color_system="truecolor" if terminal else None,
            no_color=terminal,
            _environ={},
        )

    @property
    def text(self) -> str:
        return self._file.getvalue()


def text(expected: str) -> str:
    return textwrap.dedent(expected).lstrip("\n")


def finding(path: str, symbol: str, value: float | str, **other: object) -> Finding:
    rule, limit = ("SI102", "B") if isinstance(value, str) else ("SI101", 15)
    facts: dict[str, object] = {
        "rule": rule,
        "path": path,
        "line": 40,
        "end_line": 50,
        "symbol": symbol,
        "severity": Severity.WARNING,
        "value": value,
        "limit": limit,
        "message": f"{symbol} is over",
        "suggestion": "Split it.",
    }
    return Finding(**(facts | other))  # type: ignore[arg-type]


FINDINGS = [
    finding("src/app/legacy.py", "parse_invoice", 31, severity=Severity.ERROR, before=19, line=88),
    finding("src/app/legacy.py", "", "C", line=1),
    finding("src/app/api.py", "handle", 17),
    finding(
        *("src/app/api.py", "", 1),
        rule="SI301",
        line=7,
        severity=Severity.NOTE,
        message="Missing module docstring",
    ),
]


def test_audit() -> None:
    screen = Screen()
    audit_page(screen.console, Audit(tuple(FINDINGS), 41), known=1)
    assert screen.text == text("""
        src/app/legacy.py:88   parse_invoice   complexity 31, limit 15, was 19   error     SI101
        src/app/legacy.py      (module)        maintainability C, limit B        warning   SI102
        src/app/api.py:40      handle          complexity 17, limit 15           warning   SI101
        src/app/api.py:7       (module)        Missing module docstring          note      SI301

        4 findings in 41 files: 1 error, 2 warnings, 1 note.  1 is already a task.  Nothing was changed.
        next: selfimprove plan --dry-run
        """)


HOT = FileFacts(
    "src/app/legacy.py", 400, 120, 31, 8.5, "C", 12, 9.26, 40, 1.79e9, "Ada", 0.62, 3, 48.4, 100.0
)
WARM = HOT._replace(path="src/app/api.py", complexity=30, change=0, churn=4.0, coverage=None, heat=11.0)
ONCE = HOT._replace(path="once.py", commits=1)
REVISIONS = tuple(Revision(f"{day}" * 40, 1.79e9 + day * 86400, "Ada", "Work") for day in range(4))
TREND = Trend(
    "complexity",
    REVISIONS,
    (100, 120, 110, 150),
    (
        TrendLine("src/app/api.py", "", (30, 30, 30, 30)),
        TrendLine("src/app/legacy.py", "parse_invoice", (None, 10, 19, 31)),
        TrendLine("gone.py", "", (12, 8, None, None)),
    ),
)


def test_audit_with_history() -> None:
    screen = Screen()
    nb = finding("a.ipynb", "train", 16, cell=3, line=2, before=16)
    audit = Audit(
        (nb,), 3, file_facts=(HOT, WARM, ONCE), suppressed=2, accepted=1, notes=("the clone is\nshallow",)
    )
    audit_page(screen.console, audit)
    assert screen.text == text(r"""
        a.ipynb:cell 3:2   train   complexity 16, limit 15   warning   SI101

        hot spots           complexity   churn   owner     coverage
        src/app/legacy.py    120 (+12)     9.3   Ada 62%        48%
        src/app/api.py              30       4   Ada 62%

        note: the clone is\nshallow

        1 finding in 3 files: 1 warning.  2 suppressed by comments.  1 accepted by the baseline.  No code was changed.
        next: selfimprove plan --dry-run
        """)


def test_a_file_that_was_written_once_is_no_hot_spot() -> None:
    screen = Screen()
    audit_page(screen.console, Audit((), 1, file_facts=(ONCE,)))
    assert screen.text == "No findings in 1 file.  Nothing was changed.\n"


def test_trend() -> None:
    screen = Screen()
    audit_page(screen.console, Audit((), 3, trend=TREND))
    head, *rows = screen.text.splitlines()
    assert re.fullmatch(r"complexity over 4 revisions, \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d", head)
    assert rows == [
        "total                             ▁▄▂█   100 -> 150   +50",
        "src/app/legacy.py:parse_invoice    ▁▄█   new -> 31    +31",
        "gone.py                           █▁     12 -> gone   -12",
        "src/app/api.py                    ▁▁▁▁   30 -> 30       =",
        "",
        "No findings in 3 files.  Nothing was changed.",
    ]


def test_a_long_trend_stays_short() -> None:
    lines = tuple(TrendLine(f"f{n:02}.py", "", (0, n)) for n in range(30))
    rows, left = trend_rows(Trend("complexity", REVISIONS[:2], (0, 1), lines, complete=False))
    assert (len(rows), left) == (21, 10)
    assert rows[1][0] == "f29.py"
    assert len(sparkline([float(n) for n in range(500)])) == 40
    assert sparkline([]) == ""
    assert trend_title(TREND._replace(complete=False)).endswith("; the clone is shallow, there is no more")
    assert trend_rows(Trend("complexity", (), ()))[0] == [("total", "", "", "=")]


def test_markdown_with_history() -> None:
    page = audit_markdown(Audit((), 3, file_facts=(HOT,), trend=TREND, notes=("read *this*",)))
    assert "### Hot spots\n\n| File | Complexity | Churn | Owner | Coverage |" in page
    assert "| src/app/legacy.py | 120 (+12) | 9.3 | Ada 62% | 48% |" in page
    assert "| total | ▁▄▂█ | 100 -\\> 150 | +50 |" in page
    assert "- read \\*this\\*" in page


def test_audit_without_findings() -> None:
    screen = Screen()
    audit_page(screen.console, Audit((), 1))
    assert screen.text == "No findings in 1 file.  Nothing was changed.\n"


def test_audit_says_what_it_could_not_read() -> None:
    screen = Screen()
    bad = [
        NotAnalysed("a\nb.py", "line 1: syntax error"),
        NotAnalysed("caf\udce9.py", "its name is not UTF-8"),
    ]
    audit_page(screen.console, Audit((), 2, tuple(bad)))
    assert screen.text == text(r"""
        not analysed: a\nb.py: line 1: syntax error
        not analysed: caf\xe9.py: its name is not UTF-8

        No findings in 2 files.  2 files not analysed.  Nothing was changed.
        """)


def test_without_a_terminal_nothing_is_cut_wrapped_or_coloured() -> None:
    screen = Screen()
    long = finding("a/" * 150 + "x.py", "Class." * 50 + "method", 31)
    audit_page(screen.console, Audit((long,), 1))
    first = screen.text.splitlines()[0]
    assert long.path in first
    assert long.symbol in first
    assert first.endswith("SI101")
    assert "\x1b" not in screen.text
    assert "…" not in screen.text


def test_forced_colour_in_a_log_cuts_nothing() -> None:
    log = io.StringIO()
    console = Console(file=log, force_terminal=True, width=80, color_system="standard", _environ={})
    long = finding("a/" * 100 + "x.py", "f", 31)
    audit_page(console, Audit((long,), 1))
    assert f"{long.path}:40" in log.getvalue().splitlines()[0]
    assert "\x1b[" in log.getvalue()


def lines(screen: Screen) -> list[str]:
    """Return what is on the screen without the codes for colour."""
    return re.sub("\x1b\\[[0-9;]*m", "", screen.text).splitlines()


LONG = finding("deep/" * 30 + "legacy.py", "parse_" * 20, 31, before=19)


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (48, "…egacy.py:40   complexity 31, limit 15   w"),
        (60, "…egacy.py:40   …arse_parse_   complexity 31, limit 15   w"),
        (80, "…p/deep/legacy.py:40   …parse_parse_   complexity 31, limit 15, was 19   warning"),
        (
            100,
            "…/deep/deep/legacy.py:40   …e_parse_parse_parse_   complexity 31, limit 15, was 19   warning   SI101",
        ),
    ],
)
def test_a_terminal_gets_lines_that_fit(width: int, shown: str) -> None:
    screen = Screen(terminal=True, width=width)
    audit_page(screen.console, Audit((LONG,), 1))
    assert lines(screen)[0] == shown


@pytest.mark.parametrize("width", [20, 40, 44, 60, 80, 100, 200])
@pytest.mark.parametrize("before", [None, 19])
def test_no_terminal_is_too_narrow_for_a_value_and_its_limit(width: int, before: int | None) -> None:
    words = finding("b.py", "g", 12, rule="SI201", message="g repeats 12 statements of " + "c/" * 90 + "d.py")
    found = (
        LONG._replace(rule="SI103", value=26, before=before),
        LONG._replace(path="a.py", symbol="f"),
        words,
        LONG._replace(path="deep/" * 9 + "m.py", line=3216, rule="SI102", symbol="", value="C", limit="B"),
    )
    screen = Screen(terminal=True, width=width)
    audit_page(screen.console, Audit(found, 3))
    first, second, third, fourth = lines(screen)[:4]
    assert "cognitive complexity 26, limit 15" in first
    assert "complexity 31, limit 15" in second
    assert "g repeats 12 statements" in third
    assert "maintainability C, limit B" in fourth
    assert ".py:40 " in first
    assert ".py:3216 " in fourth
    assert width < 60 or max(map(cell_len, (first, second, third, fourth))) <= width


def test_a_narrow_terminal_keeps_the_colour_of_the_severity() -> None:
    screen = Screen(terminal=True, width=60)
    screen.console.no_color = False
    audit_page(screen.console, Audit((LONG._replace(severity=Severity.ERROR),), 1))
    assert "\x1b[1;31me\x1b[0m" in screen.text


MANY = tuple(finding(f"f{n:04}.py", "f", 31) for n in range(6176))
UNREAD = tuple(NotAnalysed(f"n{n}.py", "it is empty") for n in range(25))


def test_a_terminal_shows_the_first_findings_and_how_to_get_the_others() -> None:
    screen = Screen(terminal=True, width=80)
    audit_page(screen.console, Audit(MANY, 6176, UNREAD, (HOT,)))
    shown = lines(screen)
    assert shown[39].startswith("f0039.py:40   f   complexity 31")
    assert shown[40:42] == ["and 6,136 more: selfimprove audit --format html -o audit.html, or | less", ""]
    assert shown[42].startswith("hot spots")
    assert shown[-4].startswith("and 5 more not analysed: selfimprove audit --format html")
    assert shown[-2].startswith("6,176 findings in 6,176 files: 6,176 warnings.  25 files not analysed.")
    assert len(shown) == 69


def test_a_terminal_shows_forty_findings_without_a_word_of_more() -> None:
    screen = Screen(terminal=True, width=80)
    audit_page(screen.console, Audit(MANY[:40], 40, UNREAD[:20]))
    assert "more" not in screen.text


def test_without_a_terminal_all_is_told() -> None:
    screen = Screen()
    audit_page(screen.console, Audit(MANY, 6176, UNREAD))
    assert all(f"{found.path}:40 " in screen.text for found in MANY)
    assert all(f" {file.path}: " in screen.text for file in UNREAD)
    assert "more" not in screen.text


def test_without_a_terminal_a_long_row_pushes_no_other() -> None:
    screen = Screen()
    words = finding("b.py", "g", 12, rule="SI201", message="word " * 60)
    audit_page(screen.console, Audit((LONG, finding("a.py", "f", 17), words), 2))
    first, second, _ = screen.text.splitlines()[:3]
    assert first.startswith(f"{LONG.path}:40   {LONG.symbol}   complexity 31, limit 15, was 19   ")
    assert second == f"{'a.py:40':60}   {'f':40}   {'complexity 17, limit 15':60}   warning   SI101"


def test_a_baseline_is_not_nothing() -> None:
    assert audit_totals(Audit((), 2, accepted=1)).endswith("accepted by the baseline.  No code was changed.")
    assert audit_totals(Audit((), 2)).endswith("Nothing was changed.")


def test_wide_characters_are_counted_as_wide() -> None:
    screen = Screen()
    audit_page(screen.console, Audit((finding("日本.py", "f", 20), finding("ab.py", "g", 19)), 2))
    first, second = screen.text.splitlines()[:2]
    assert cell_len(first.partition("f")[0]) == cell_len(second.partition("g")[0])


def test_names_are_neither_markup_nor_control_codes() -> None:
    screen = Screen(terminal=True, width=200)
    audit_page(screen.console, Audit((finding("[red]x[/red]:smile:\x1b[2J.py", "[link=http://x]f", 31),), 1))
    assert "[red]x[/red]:smile:\\x1b[2J.py" in screen.text
    assert "[link=http://x]f" in screen.text
    assert "\x1b[2J" not in screen.text


FIX = Task("fix-flaky-login-test", "Fix the login test", prompt="x", priority=1)
LEGACY = Task("refactor-legacy-parse", "Simplify parse", prompt="x", cost=3, priority=30)
LIMIT = Task("add-rate-limit", "Add a rate limit", prompt="x")
HANDLE = Task("refactor-api-handle", "Simplify handle", prompt="x", cost=6)
PLAN = Plan(
    (FIX, LEGACY),
    (
        Waiting(LIMIT, "dependency", "needs add-auth, which failed"),
        Waiting(HANDLE, "budget", "5 + 6 is over the budget of 10"),
    ),
    {FIX.id: "priority 1, ready", LEGACY.id: "complexity 31 > 15"},
)


def test_plan_dry_run() -> None:
    screen = Screen()
    new = {LEGACY.id, HANDLE.id}
    plan_table(screen.console, PLAN, budget=Budget(units=10), tasks=6, new=new, dry_run=True)
    assert screen.text == text("""
        tasks.yml has 6 tasks; this audit would add 2.

          #   task                          why now                          cost
          1   fix-flaky-login-test          priority 1, ready                   1
          2   refactor-legacy-parse   new   complexity 31 > 15                  3

              waiting
              add-rate-limit                needs add-auth, which failed
              refactor-api-handle     new   5 + 6 is over the budget of 10

        2 tasks, 4 of 10 units.
        Dry run: no file written, no model called.
        next: selfimprove run      (the exact prompt: selfimprove plan --show-prompt 1)
        """)


def test_an_empty_plan() -> None:
    screen = Screen()
    plan_table(screen.console, Plan(), budget=Budget(), tasks=0)
    assert screen.text == text("""
        tasks.yml has 0 tasks; this audit adds none.

        0 tasks, 0 units.
        """)


def test_tasks() -> None:
    screen = Screen()
    rejected = Task("no", "Never\nthis", command="x", status=Status.SKIPPED, rejected="not ours")
    tasks_table(screen.console, [LEGACY, rejected])
    assert screen.text == text(r"""
        task                    status    priority   cost   title
        refactor-legacy-parse   pending         30      3   Simplify parse
        no                      skipped          0      1   Never\nthis (rejected: not ours)
        """)


def test_history(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    runs = [
        Run(
            7,
            "finished",
            1_795_000_000,
            "a",
            "selfimprove/run-7",
            "h:1",
            1_795_000_072,
            1,
            {"done": 2, "failed": 1},
        ),
        Run(12, "died", 1_795_000_000, "a", "selfimprove/run-12", "h:1"),
    ]
    history_table(screen.console, runs)
    head, first, second = screen.text.splitlines()
    assert head.split() == ["run", "state", "started", "took", "result", "branch"]
    assert first.startswith("  7   finished   2026-11-1")
    assert first.endswith("1m 12s   2 done, 1 failed   selfimprove/run-7")
    assert second.startswith(" 12   died ")


RUN = Run(7, "finished", 0, "abc", "selfimprove/run-7", "h:1")
DONE = Outcome("fix", Status.DONE, commit="3f9c2d1aaaa", title="Wait for | the cookie", cost=1, dollars=0.1)
FAILED = Outcome(
    "add-security",
    Status.FAILED,
    "pyproject.toml is outside this task's files",
    objections=(Objection("outside", "...", "pyproject.toml", "pyproject.toml"),),
    cost=1,
    dollars=0.03,
)


def test_run_summary() -> None:
    screen = Screen()
    run_summary(
        screen.console,
        RUN,
        [DONE, DONE, FAILED],
        budget=Budget(units=10, dollars=2),
        seconds=72,
        base="main",
        measured=["parse_invoice: complexity 31 -> 9"],
    )
    assert screen.text == text("""
        2 done, 1 failed.  $0.23 of $2.00, 3 of 10 units, 1m 12s.
          measured   parse_invoice: complexity 31 -> 9
          look       git log -p main..selfimprove/run-7
          take       git merge selfimprove/run-7
          retry      selfimprove tasks retry add-security --allow pyproject.toml
        """)


def test_summary_of_an_interrupted_run() -> None:
    screen = Screen()
    run = Run(7, "interrupted", 0, "abc", "selfimprove/run-7", "h:1")
    outcomes = [Outcome("a", Status.DONE, cost=1), Outcome("b", Status.PENDING)]
    run_summary(screen.console, run, outcomes, budget=Budget(), seconds=8.12, not_started=1)
    assert screen.text == text("""
        run 7 interrupted: 1 done, 1 returned, 1 not started.  1 unit, 8.1s.
        next: selfimprove run
        """)


def test_markdown() -> None:
    audit = Audit((FINDINGS[0], finding("a|b`c*.py", "<f>", 17)), 3, (NotAnalysed("x\ny.py", "why"),))
    assert audit_markdown(audit) == text(r"""
        ## Audit

        | Place | Symbol | What | Severity | Rule |
        | --- | --- | --- | --- | --- |
        | src/app/legacy.py:88 | parse\_invoice | complexity 31, limit 15, was 19 | error | SI101 |
        | a\|b\`c\*.py:40 | \<f\> | complexity 17, limit 15 | warning | SI101 |

        Not analysed:

        - x\\ny.py: why

        2 findings in 3 files: 1 error, 1 warning.  1 file not analysed.  Nothing was changed.
        """)
    assert plan_markdown(PLAN, Budget(units=10), {LEGACY.id}).splitlines()[4:10] == [
        "| 1 | fix-flaky-login-test | priority 1, ready | 1 |",
        r"| 2 | refactor-legacy-parse (new) | complexity 31 \> 15 | 3 |",
        "",
        "Waiting:",
        "",
        "- add-rate-limit: needs add-auth, which failed",
    ]
    lines = run_markdown([DONE, FAILED], Budget(), 72).splitlines()
    assert lines[4] == r"| fix | done | Wait for \| the cookie | 3f9c2d1 |"
    assert lines[-1] == "1 done, 1 failed.  $0.13, 2 units, 1m 12s."


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain é 日本 👍\u200d🔥\u3000x", "plain é 日本 👍\u200d🔥\u3000x"),
        ("a\tb\r\nc", r"a\tb\r\nc"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\udcff", r"\xff"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2028\x85", r"\u2028\x85"),
    ],
)
def test_visible(given: str, shown: str) -> None:
    assert visible(given) == shown


def test_numbers_and_durations() -> None:
    assert [number(value) for value in (5.0, 2.5, 14_800, 0.1, 1e6, float("inf"))] == [
        *("5", "2.5", "14,800", "0.1", "1,000,000", "inf")
    ]
    assert [duration(s) for s in (0, 8.12, 72, 3599.7, 7380)] == [
        "0.0s",
        "8.1s",
        "1m 12s",
        "1h 00m",
        "2h 03m",
    ]
