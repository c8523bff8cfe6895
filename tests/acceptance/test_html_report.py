"""The audit's page in a real browser: it sorts, filters and zooms, and runs nothing that a repository holds."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from selfimprove.model.audit import Audit, FileFacts, NotAnalysed, Revision, Trend, TrendLine
from selfimprove.model.finding import Finding, Severity
from selfimprove.report.html import html_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Project

RULES = [{"id": "SI101", "name": "complexity", "summary": "Too many decisions.", "help": "McCabe, 1976."}]
WARNING, ERROR, NOTE = Severity.WARNING, Severity.ERROR, Severity.NOTE
EVIL = "<img src=x onerror=hacked()></script><script>hacked()</script>{{ script }}\u2028'\"&lt;"


def fact(path: str, lines: int, heat: float, **other: object) -> FileFacts:
    plain = FileFacts(path, lines, lines // 4, 31, 40.0, "A", 3, 9.5, 12, 1.79e9, "Ada", 0.6, 2, 80.0, heat)
    return plain._replace(**other)  # type: ignore[arg-type]


def over(path: str, symbol: str, severity: Severity, value: float, before: float | None = None) -> Finding:
    message = f"{symbol} has cyclomatic complexity {value}"
    return Finding("SI101", path, 5, 9, symbol, severity, value, 15, message, f"Split {symbol}.", before)


AUDIT = Audit(
    (
        over("src/pkg/core.py", "parse", ERROR, 31, 19),
        over("src/pkg/web/api.py", "handle", WARNING, 17),
        over("src/pkg/web/api.py", "route", WARNING, 105, 16),
        over("tests/test_core.py", "check", NOTE, 16),
    ),
    4,
    (NotAnalysed("old.py", "line 1: invalid syntax"),),
    (
        fact("src/pkg/core.py", 900, 100.0),
        fact("src/pkg/web/api.py", 400, 35.0, coverage=None, owner="Grace"),
        fact("tests/test_core.py", 300, 4.0),
        fact("src/pkg/empty.py", 0, 0.0),
    ),
    Trend(
        "complexity",
        tuple(Revision(f"{n}" * 40, 1.79e9 + n * 86400, "Ada", f"Change {n}") for n in range(5)),
        (300.0, 320.0, 310.0, 350.0, 400.0),
        (TrendLine("src/pkg/core.py", "", (None, 200.0, 210.0, 220.0, 225.0)),),
    ),
    notes=("the clone is shallow",),
    engine="radon 6.0.1",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium; `make browser` installs one."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert program, "no chromium here; type: make browser"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


class Shown:
    """A page opened from a file, with all that it said, asked for and failed in."""

    def __init__(self, browser: Browser, folder: Path, audit: Audit, **options: object) -> None:
        self.text = html_page(audit, RULES, title="demo", version="1.2.3", known=1, made_at=1.79e9)
        file = folder / "audit.html"
        file.write_bytes(self.text.encode("utf-8"))
        self.noise: list[str] = []
        self.page: Page = browser.new_context(reduced_motion="reduce", **options).new_page()  # type: ignore[arg-type]
        self.page.on("console", lambda message: self.noise.append(message.text))
        self.page.on("pageerror", lambda error: self.noise.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("html[data-ready]")

    def _asked(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.noise.append(f"asked for {url}")

    def texts(self, selector: str) -> list[str]:
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]

    def tile(self, name: str) -> str:
        """Return the selector of the tile whose description begins with ``name``."""
        return f'#tiles .tile > rect[aria-label^="{name}"]'

    def look(self, name: str) -> str:
        """Return the class of a tile, which says its colour."""
        return str(
            self.page.locator(self.tile(name)).evaluate("tile => tile.parentNode.getAttribute('class')")
        )


@pytest.fixture
def shown(browser: Browser, tmp_path: Path) -> Iterator[Shown]:
    """The page of AUDIT, which must have been quiet all the time."""
    opened = Shown(browser, tmp_path, AUDIT)
    yield opened
    assert opened.noise == []
    opened.page.context.close()


def test_the_totals_stand_at_the_top(shown: Shown) -> None:
    figures = shown.texts(".figure")
    assert figures[0].split("\n\n") == ["Findings", "4", "1 error, 2 warnings, 1 note"]
    assert figures[1].split("\n\n") == ["Files measured", "4", "1,600 lines"]
    assert figures[2].split("\n\n") == ["Total complexity", "400", "+100 in 5 revisions"]
    assert shown.texts("#notes p") == ["the clone is shallow"]
    assert shown.texts("#missed-list dt") == ["old.py"]
    assert "radon 6.0.1" in shown.texts("#foot")[0]


def test_findings_sort_by_number_and_back(shown: Shown) -> None:
    symbols = "#findings-table .open"
    assert shown.texts(symbols) == ["parse", "handle", "route", "check"], "what matters most first"
    shown.page.click("#findings-table th button:text-is('Value')")
    assert shown.texts(symbols) == ["route", "parse", "handle", "check"]
    shown.page.click("#findings-table th button:text-is('Value')")
    assert shown.texts(symbols) == ["check", "handle", "parse", "route"]
    assert shown.page.get_attribute("#findings-table th[aria-sort]", "aria-sort") == "ascending"
    shown.page.click("#findings-table th button:text-is('Before')")
    assert shown.texts(symbols)[:2] == ["parse", "route"], "what has no value goes last"
    shown.page.click("#findings-table th button:text-is('Before')")
    assert shown.texts(symbols)[:2] == ["route", "parse"]


def test_findings_filter_by_word_severity_and_rule(shown: Shown) -> None:
    symbols = "#findings-table .open"
    shown.page.fill("#search", "WEB/api")
    assert shown.texts(symbols) == ["handle", "route"]
    assert shown.texts("#findings-lead") == ["2 of 4 shown."]
    shown.page.fill("#search", "grace rou")
    assert shown.texts(symbols) == ["route"]
    shown.page.fill("#search", "")
    shown.page.click("#severities button:has-text('2 warnings')")
    assert shown.texts(symbols) == ["parse", "check"]
    shown.page.select_option("#rule", "SI101")
    shown.page.fill("#search", "nowhere")
    assert shown.texts("#findings-table .empty") == ["Nothing fits."]


def test_a_finding_opens_by_keyboard(shown: Shown) -> None:
    shown.page.focus("#findings-table .open")
    shown.page.keyboard.press("Enter")
    assert shown.texts("#findings-table tr.more p") == [AUDIT.findings[0].message, "Split parse."]
    shown.page.keyboard.press("Enter")
    assert shown.texts("#findings-table tr.more") == []


def test_the_map_zooms_by_mouse_and_picks_a_file(shown: Shown) -> None:
    area = {}
    for path in ("src/pkg/core.py", "src/pkg/web/api.py", "tests/test_core.py"):
        box = shown.page.locator(shown.tile(path)).bounding_box()
        assert box
        area[path] = box["width"] * box["height"]
    assert 1.6 < area["src/pkg/core.py"] / area["src/pkg/web/api.py"] < 3.2, (
        "900 lines to 400, less the frames"
    )
    shown.page.click(shown.tile("folder src/pkg/:"), position={"x": 20, "y": 5})
    assert shown.texts("#crumbs b") == ["src/pkg"]
    assert shown.page.locator(shown.tile("tests/")).count() == 0
    shown.page.click(shown.tile("src/pkg/core.py"))
    assert "complexity 225 (+3)" in shown.texts("#picked")[0]
    shown.page.click("#picked button")
    assert shown.texts("#findings-table .open") == ["parse"]
    shown.page.click("#crumbs button")
    assert shown.page.locator(shown.tile("tests/")).count() == 1


def test_the_map_works_by_keyboard(shown: Shown) -> None:
    assert shown.page.locator('#tiles [tabindex="0"]').count() == 1, "one stop for the tab key"
    shown.page.focus('#tiles [tabindex="0"]')
    active = "document.activeElement.getAttribute('aria-label')"
    assert shown.page.evaluate(active).startswith("folder src/pkg/: 3 files, 1,300 lines")
    shown.page.keyboard.press("ArrowDown")
    assert shown.page.evaluate(active).startswith("src/pkg/")
    shown.page.keyboard.press("Enter")
    assert shown.texts("#crumbs b") == ["src/pkg"]
    shown.page.keyboard.press("Escape")
    assert shown.texts("#crumbs b") == ["all files"]


def test_the_map_shows_numbers_under_the_mouse_in_every_colouring(shown: Shown) -> None:
    shown.page.locator("#map").scroll_into_view_if_needed()
    shown.page.wait_for_function(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
    )
    shown.page.hover(shown.tile("src/pkg/core.py"))
    assert shown.texts("#tip b") == ["src/pkg/core.py"]
    assert "heat\n100" in shown.texts("#tip dl")[0]
    looks = set()
    for name in ("Heat", "Complexity", "Maintainability", "Coverage"):
        shown.page.click(f"#colours button:text-is('{name}')")
        looks.add(shown.look("src/pkg/core.py"))
    assert len(looks) > 1
    assert shown.look("src/pkg/web/api.py") == "tile qx", "coverage unknown"


def test_trends_tell_their_values(shown: Shown) -> None:
    assert shown.texts(".mover .name") == ["src/pkg/core.py"]
    assert shown.texts(".mover .ends")[0].split("\n") == ["new → 225", "+225"]
    shown.page.focus("#charts svg >> nth=0")
    shown.page.keyboard.press("ArrowLeft")
    assert shown.texts("#tip b") == ["33333333 Change 3"]
    assert "350" in shown.texts("#tip dl")[0]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark"), (320, "light")])
def test_it_fits_every_screen(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    shown = Shown(browser, tmp_path, AUDIT, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    dark = shown.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(250, 249, 246)"
    assert dark == (scheme == "dark")
    assert shown.noise == []
    shown.page.context.close()


def test_nothing_from_the_repository_runs_or_becomes_markup(browser: Browser, tmp_path: Path) -> None:
    path = f"a/{EVIL}/b.py"
    finding = over(path, EVIL, ERROR, 31)._replace(message=EVIL, suggestion=EVIL)
    trend = Trend(
        "complexity",
        (Revision("a" * 40, 1e9, EVIL, EVIL), Revision("", 1.1e9, EVIL, EVIL)),
        (1.0, 2.0),
        (TrendLine(path, EVIL, (1.0, 2.0)),),
    )
    hostile = Audit(
        (finding,),
        1,
        (NotAnalysed(path + "\udce9\x00", EVIL),),
        (fact(path, 9, 50.0, owner=EVIL),),
        trend,
        notes=(EVIL,),
        engine=EVIL,
    )
    shown = Shown(browser, tmp_path, hostile)
    shown.page.click("#findings-table .open")
    shown.page.hover("#tiles .tile:not(.folder) > rect")
    shown.page.click("#tiles .tile:not(.folder) > rect")
    shown.page.focus("#charts svg >> nth=0")
    shown.page.keyboard.press("ArrowLeft")
    assert shown.page.locator("img").count() == 0
    assert shown.page.locator("script").count() == 2
    assert shown.texts("#findings-table .open")[0].startswith("<img src=x onerror=hacked()></script>")
    assert shown.noise == []
    shown.page.context.close()


def test_the_policy_forbids_what_the_page_does_not_need(shown: Shown) -> None:
    policy = shown.page.get_attribute("meta[http-equiv]", "content") or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "http:" not in shown.text.replace("http://www.w3.org/2000/svg", "")
    assert "https:" not in shown.text
    refused = "new Promise(done => { addEventListener('securitypolicyviolation', () => done(true));"
    assert shown.page.evaluate(
        refused + "document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/'})) })"
    )
    shown.noise.clear()  # the browser told of it


def test_a_small_audit_and_an_empty_one(browser: Browser, tmp_path: Path) -> None:
    for audit in (
        Audit(),
        Audit((over("a.py", "f", WARNING, 16),), 1, file_facts=(FileFacts("a.py", 9, 16, 16, 50.0, "A"),)),
    ):
        shown = Shown(browser, tmp_path, audit)
        assert shown.texts(".figure")[0].startswith("Findings")
        assert shown.page.is_hidden("#trend")
        assert shown.page.is_visible("#map") == bool(audit.file_facts)
        assert shown.noise == []
        shown.page.context.close()


def test_thousands_of_files_are_all_there(browser: Browser, tmp_path: Path) -> None:
    facts = tuple(fact(f"p{n % 37}/q{n % 11}/f{n}.py", 10 + n % 400, 100.0 - n / 20) for n in range(2000))
    findings = tuple(over(file.path, f"f{n}", WARNING, 16 + n) for n, file in enumerate(facts[:600]))
    shown = Shown(browser, tmp_path, Audit(findings, 2000, file_facts=facts))
    assert shown.page.locator("#findings-table .open").count() == 150
    shown.page.click("#findings-table .all")
    assert shown.page.locator("#findings-table .open").count() == 600
    shown.page.click("#hotspots-table .all")
    assert shown.page.locator("#hotspots-table tbody tr").count() == 2000
    data = json.loads(
        shown.page.inner_text("#data") or shown.page.evaluate("document.getElementById('data').textContent")
    )
    assert len(data["rows"]) == 2000
    assert shown.noise == []
    shown.page.context.close()


TANGLED = "def tangled(a):\n" + "".join(f"    if a == {n}:\n        return {n}\n" for n in range(1, 17))


def test_the_whole_command_writes_a_page_that_a_browser_shows(
    browser: Browser, project: Callable[..., Project]
) -> None:
    made = project({"src/app/knot.py": TANGLED, "src/app/fine.py": "x = 1\n"})
    done = made.run("audit", "--format", "html", "--output", "page.html", check=1)
    assert done.out == ""
    page = browser.new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.goto((made.root / "page.html").as_uri())
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#findings-table .open").all_inner_texts() == ["tangled"]
    assert page.locator("#rules-list dt").all_inner_texts() == ["SI101"]
    assert page.inner_text("h1") == made.root.name
    assert noise == []
    page.close()


@pytest.mark.parametrize("name", ["sarif", "github", "junit", "html"])
def test_a_failure_is_told_on_stderr_whatever_the_format(project: Callable[..., Project], name: str) -> None:
    done = project({"a.py": "x = 1\n"}).run("audit", "nowhere", "--format", name, check=2)
    assert done.out == ""
    assert done.err.startswith("error: ")
