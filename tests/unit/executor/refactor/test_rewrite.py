"""What a wish becomes: small rewrites alone, a large one, one on top of the others, or the reason why nothing."""

from __future__ import annotations

import pytest

from selfimprove.errors import RefactorError, UsageError
from selfimprove.executor.refactor import rewrite
from selfimprove.executor.refactor.draft import Draft
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.table import REWRITES, aims_for, for_finding, named
from selfimprove.executor.refactor.wish import Wish

NESTED = """\
def pick(a, b):
    if a:
        if b:
            return "both"
    return "not both"


def size(n):
    if n > 3:
        return "big"
    else:
        return "small"
"""


def propose(
    text: str, *rewrites: str, symbol: str = "", tried: tuple[str, ...] = (), **more: object
) -> Draft:
    wish = Wish("m.py", symbol, 1, rewrites, **more)  # type: ignore[arg-type]
    return rewrite.propose(Project({"m.py": text.encode()}), wish, tried)


def behaviour(text: str | bytes) -> list[object]:
    names: dict[str, object] = {}
    exec(text, names)
    pick, size = names["pick"], names["size"]
    pairs = [(a, b) for a in (0, 1) for b in (0, 1)]
    return [*(pick(*pair) for pair in pairs), *(size(n) for n in (1, 3, 4))]  # type: ignore[operator]


@pytest.mark.parametrize("name", REWRITES)
def test_every_rewrite_has_a_function_that_can_be_loaded(name: str) -> None:
    assert callable(REWRITES[name].function())


def test_each_finding_is_given_to_rewrites_that_can_mend_it() -> None:
    assert for_finding("SI101")[-1] == "extract-function"
    assert for_finding("SI103")[0] == "invert-guard"
    assert "else-after-return" in for_finding("SI105")
    assert for_finding("SI302", "no-else-return") == ("else-after-return",)
    assert for_finding("SI302", "consider-using-with") == ("with-open",)
    assert for_finding("SI303", "unreachable") == ("unreachable",)
    assert for_finding("SI102") == for_finding("SI201") == for_finding("SI303", "no-such-message") == ()
    assert aims_for("SI103", 15) == {"cognitive": 15}
    assert aims_for("SI102", "B") == {}


def test_a_name_that_is_no_rewrite_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        named(("merge-if",))
    assert caught.value.hint == "did you mean merge-ifs?"


def test_a_small_rewrite_touches_its_function_alone_and_behaves_the_same() -> None:
    draft = propose(NESTED, "else-after-return", symbol="size")
    new = draft.files["m.py"]
    assert draft.subject == "Unnest the else after a return in size"
    assert draft.rewrites == ("else-after-return",)
    assert new.startswith(NESTED[: NESTED.index("def size")].encode())
    assert b"else" not in new
    assert behaviour(new) == behaviour(NESTED)


def test_small_rewrites_go_on_top_of_each_other_in_a_whole_file() -> None:
    draft = propose(NESTED, "else-after-return", "merge-ifs")
    assert draft.rewrites == ("else-after-return", "merge-ifs")
    assert b"if a and b:" in draft.files["m.py"]
    assert behaviour(draft.files["m.py"]) == behaviour(NESTED)
    with pytest.raises(RefactorError) as caught:
        propose(draft.files["m.py"].decode(), "else-after-return", "merge-ifs")
    assert caught.value.code == rewrite.NOTHING


def test_the_same_choice_has_the_same_key_and_is_not_made_twice() -> None:
    draft = propose(NESTED, "merge-ifs", symbol="pick")
    assert draft.key == propose(NESTED, "merge-ifs", symbol="pick").key
    with pytest.raises(RefactorError, match="every way to do it was tried"):
        propose(NESTED, "merge-ifs", symbol="pick", tried=(draft.key,))


def test_what_does_not_reach_the_aims_is_not_proposed_and_the_shortfall_is_told() -> None:
    with pytest.raises(RefactorError, match="pick would have complexity 3, more than 2"):
        propose(NESTED, "merge-ifs", symbol="pick", aims={"complexity": 2})
    assert propose(NESTED, "merge-ifs", symbol="pick", aims={"complexity": 2}, least={"complexity": 3})


def test_what_makes_another_function_worse_is_not_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    worse = NESTED.replace("n > 3", "n > 3 and n").encode()
    draft = Draft({"m.py": worse}, "Worse", ("move-to-function",), key="k")
    monkeypatch.setitem(REWRITES, "move-to-function", _giving(draft))  # type: ignore[misc]
    with pytest.raises(RefactorError, match="size would get worse: complexity 2 -> 3"):
        propose(NESTED, "move-to-function", symbol="pick")


def _giving(draft: Draft) -> object:
    one = REWRITES["move-to-function"]

    class Fake(type(one)):  # type: ignore[misc]
        def function(self) -> object:
            return lambda *_args, **_more: draft

    return Fake(*one)


def test_lines_that_tests_run_are_known_again_after_a_small_rewrite(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Project] = []

    def large(_source: object, project: Project, _place: object, **_more: object) -> Draft:
        seen.append(project)
        raise RefactorError("no")

    one = REWRITES["move-to-function"]

    class Fake(type(one)):  # type: ignore[misc]
        def function(self) -> object:
            return large

    monkeypatch.setitem(REWRITES, "move-to-function", Fake(*one))  # type: ignore[misc]
    project = Project({"m.py": NESTED.encode()}, {"m.py": frozenset({9, 10, 12})})
    wish = Wish("m.py", "size", 1, ("else-after-return", "move-to-function"), {"complexity": 1})
    with pytest.raises(RefactorError):
        rewrite.propose(project, wish)
    assert [one.covered["m.py"] for one in seen] == [frozenset({9, 10, 12}), frozenset({9, 10, 11})]


def test_a_file_that_is_not_there_or_does_not_parse_is_told() -> None:
    with pytest.raises(RefactorError, match="does not parse"):
        propose("def f(:\n", "merge-ifs")
    with pytest.raises(RefactorError, match=r"there is no file m\.py"):
        rewrite.propose(Project({}), Wish("m.py", "f", 1, ("merge-ifs",)))
    with pytest.raises(RefactorError, match=r"m\.py has no function nope"):
        propose(NESTED, "merge-ifs", symbol="nope")
    with pytest.raises(RefactorError, match=r"name one as m\.py:FUNCTION"):
        propose(NESTED, "move-to-function")


def test_a_function_that_is_within_its_limits_has_nothing_to_do() -> None:
    with pytest.raises(RefactorError, match="size is within its limits already") as caught:
        propose(NESTED, "dispatch", "extract-function", symbol="size", aims={"complexity": 10})
    assert caught.value.code == rewrite.NOTHING
