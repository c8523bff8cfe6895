"""Ideas of a model: what is no answer ends one question, and nothing invented, foreign or outside gets through."""

from __future__ import annotations

import json

import pytest

from ideas_rig import CSV, SHELL, SHOP, YAML, YAML_AGAIN, for_purpose, said
from selfimprove import wiring, wiring_reflect
from selfimprove.asking import Asker
from selfimprove.errors import LLMError
from selfimprove.model.budget import Budget
from selfimprove.reflector.briefing import Facts
from selfimprove.reflector.proposing import Proposed
from selfimprove.reflector.suggest import Wish, gathered, preview, suggest
from selfimprove.target import open_target

FACTS = Facts(None, "pytest -q")


def ground_of(shop):
    """What stands in the last commit of a project."""
    target = open_target(shop.root, shop.env, None, {})
    return wiring_reflect._ground(target, wiring.build_sight(target), target.repo.head())


def ask(shop, replies, *categories, tasks=()):
    """Ask with recorded replies, in this process; each time in a run of its own."""
    target = open_target(shop.root, shop.env | shop.replies(*replies), None, {})
    memory = wiring.build_memory(target)
    run = memory.journal.begin_run("", 0, "selfimprove/run-")
    llm = wiring.build_llm(target, Budget(), lambda _event: None)
    llm.sleep = lambda _seconds: None
    return suggest(Asker(memory.journal, llm, run.id), ground_of(shop), FACTS, tasks, Wish(categories))


def titles(found):
    """The titles of what is new."""
    return [one.idea.title for one in found.findings]


@pytest.mark.parametrize(
    "path",
    [
        "../outside.py",
        "/etc/passwd",
        ".git/hooks/pre-commit",
        "shop/../../x.py",
        ".env",
        "nowhere/new.py",
        "shop",
        "*",
        "shop/[a-z]*.py",
        "tasks.yml",
        ".github/workflows/x.yml",
        "conftest.py",
    ],
)
def test_no_path_leads_out_of_the_repository_or_to_keys(project, path):
    shop = project(SHOP | {".env": "TOKEN=abc\n"})
    bad = CSV | {"files": [path], "new": [*CSV["new"], path]}
    found = ask(shop, for_purpose(features=[said(bad), said(bad)]), "features")
    assert titles(found) == []
    assert [one.title for one in found.dropped] == [CSV["title"]]


GERMAN = YAML | {
    "title": "Die Bestellungen sicher lesen",
    "what": "Die Datei mit den Bestellungen wird mit dem sicheren Loader gelesen, und nicht mit dem vollen.",
    "why": "Wer die Datei schreiben kann, der kann auch Code ausführen, und das ist nicht gut.",
    "criteria": ["Eine Datei mit einem Objekt wird nicht gelesen.", "Alles andere wird wie bisher gelesen."],
}
CHINESE = YAML | {
    "title": "使用安全的加载器读取订单文件",
    "what": "请在读取订单文件的时候使用安全的加载器，而不是完整的加载器。",
    "why": "能够写入该文件的任何人都可以执行任意代码，这是不安全的。",
    "criteria": ["带有对象标签的文件会被拒绝读取。", "以前可以读取的订单仍然可以读取。"],
}


@pytest.mark.parametrize("wrong", [GERMAN, CHINESE], ids=["german", "chinese"])
def test_another_language_is_sent_back_once(project, wrong):
    shop = project(SHOP)
    assert titles(ask(shop, for_purpose(security=[said(wrong), said(YAML)]), "security")) == [YAML["title"]]
    found = ask(shop, for_purpose(security=[said(wrong), said(wrong)]), "security")
    assert titles(found) == []
    assert "English" in found.dropped[0].reason


NOT_ANSWERS = {
    "prose": "I would mend the YAML loader first.",
    "empty": "",
    "cut off": said(YAML)[:200],
    "wrong shape": json.dumps({"ideas": [{"title": "Mend it"}]}),
    "a list": json.dumps([YAML]),
    "too few criteria": said(YAML | {"criteria": []}),
    "long and broken": '{"ideas": [' + "[" * 100 + "x" * 300_000,
}


@pytest.mark.parametrize("name", NOT_ANSWERS)
def test_what_is_no_answer_is_asked_for_again_once_and_ends_this_question_only(project, name):
    shop, wrong = project(SHOP), NOT_ANSWERS[name]
    again = {"purpose": "suggest-security-repair", "reply": wrong}
    replies = [*for_purpose(security=wrong, features=said(CSV)), again]
    found = ask(shop, replies, "security", "features")
    assert titles(found) == [CSV["title"]]
    assert [(one.category, one.code) for one in found.problems] == [("security", "model_failed")]
    # Alone it is the whole failure; and a good second answer mends it.
    with pytest.raises(LLMError):
        ask(shop, replies, "security")
    if wrong:  # the client itself asks again for an answer without a word
        mended = [*for_purpose(security=wrong), again | {"reply": said(YAML)}]
        assert titles(ask(shop, mended, "security")) == [YAML["title"]]


TRUE = (
    CSV,
    SHELL,
    CSV | {"title": "Tell what an order costs in `total(orders)`"},
    CSV
    | {"why": "GitHub and JavaScript people ask for read/write access and `--format csv`, see `orders.py`."},
    CSV
    | {
        "what": "Call `json.loads` and `subprocess.run` in `shop/orders.py`, and `python -m shop` on top of it."
    },
    CSV | {"symbols": ["total", "shop/orders.py:listing", "Store"]},
    CSV | {"files": ["./shop/orders.py", "shop/csv_export.py"], "new": ["shop/csv_export.py", "to_csv"]},
)
INVENTED = (
    (CSV | {"files": ["shop/orders.py", "shop/csv_export.py"]}, "shop/csv_export.py"),
    (CSV | {"files": ["shop/Orders.py"]}, "shop/Orders.py"),
    (CSV | {"symbols": ["Store.total"]}, "Store.total"),
    (CSV | {"symbols": ["listing_of"]}, "listing_of"),
    (CSV | {"title": "Export what `render` makes as CSV"}, "render"),
    (CSV | {"why": "The function to_xml() is slow."}, "to_xml"),
    (CSV | {"why": "See tests/orders/test_csv for how it fails."}, "tests/orders/test_csv"),
    (CSV | {"criteria": ["`Store.close` is called.", "A comma in a value is quoted."]}, "close"),
    (CSV | {"evidence": [CSV["evidence"][0] | {"path": "shop/__init__.py"}]}, "does not stand in"),
    (CSV | {"evidence": [CSV["evidence"][0] | {"path": "shop/none.py"}]}, "shop/none.py"),
)


def test_what_is_there_is_taken_and_what_is_not_is_told(project):
    from selfimprove.reflector.checking import check
    from selfimprove.reflector.ideas import proposals

    ground = ground_of(project(SHOP))
    held = check(proposals({"ideas": [*TRUE, *(idea for idea, _ in INVENTED)]}, "features"), ground)
    assert [one.wrong for one in held[: len(TRUE)]] == [()] * len(TRUE)
    for one, (_, name) in zip(held[len(TRUE) :], INVENTED, strict=True):
        assert any(name in why for why in one.wrong), (name, one.wrong)


def test_the_model_is_told_what_is_wrong_and_sees_nothing_that_links_lead_to(project):
    shop = project(SHOP)
    secret = shop.root.parent / "secret.py"
    secret.write_text("outside = 'of the repository'\n")
    (shop.root / "shop" / "link.py").symlink_to(secret)
    shop.write("shop/broken.py", b"def broken(:\n    \xff\xfe\n")
    shop.git("add", "-A")
    shop.git("commit", "-qm", "odd")
    ground = ground_of(shop)
    assert "shop/link.py" not in ground.names
    assert ground.text("shop/link.py") is None
    found = ask(
        shop, for_purpose(security=[said(SHELL | {"files": ["shop/link.py"]}), said(SHELL)]), "security"
    )
    assert titles(found) == [SHELL["title"]]
    assert found.tokens > 0


def test_prose_of_other_languages_is_known_and_english_is_let_be():
    from selfimprove.reflector.speech import is_english

    assert is_english(
        "Escape the comment text in `templates/é.html` before it is shown; naïve users may enter tags."
    )
    assert is_english("Add CSV")
    assert not is_english(
        "Ajouter une commande pour exporter les factures dans un fichier que les clients lisent."
    )
    assert not is_english("Añadir una orden para exportar las facturas en un archivo para los clientes.")
    assert not is_english("Добавить команду для выгрузки счетов в таблицу.")


def test_what_comes_twice_among_the_new_ones_is_taken_once_and_a_limit_takes_the_most_urgent(project):
    shop = project(SHOP)
    found = ask(
        shop, for_purpose(security=said(YAML, YAML_AGAIN, YAML), features=said(CSV)), "security", "features"
    )
    assert titles(found) == [YAML["title"], CSV["title"]]
    assert [one.reason.partition('"')[0] for one in found.dropped] == [
        "it is like the idea ",
        "it came twice",
    ]
    few = gathered([Proposed(found.asked[0], list(reversed(found.findings)))], (), 1)
    assert titles(few) == [YAML["title"]]
    assert "more urgent" in few.dropped[0].reason


def test_without_the_parts_of_the_index_the_question_has_code_all_the_same(project):
    ground = ground_of(project(SHOP))
    ground.index = lambda: None
    ((asked, text),) = preview(ground, FACTS, (), Wish(("security",)))
    assert "shop/store.py" in asked.files
    assert "return yaml.load(file, Loader=yaml.Loader)" in text
    # And in a repository in which the words of the category stand nowhere.
    small = ground_of(project({"a.py": "def add(one, two):\n    return one + two\n"}))
    ((asked, text),) = preview(small, FACTS, (), Wish(("compliance",)))
    assert asked.files == ("a.py",)
