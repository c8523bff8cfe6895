"""A plugin of pytest that reports each test as it ends, and at the end whether assertions still fail.

It runs in the interpreter of the tested project, Python 3.8 or later, with whatever pytest is there.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import selfimprove_canary
from selfimprove_lines import watching
from selfimprove_sealed import Writer, described, ordered, output_of, python

if TYPE_CHECKING:
    from collections.abc import Iterator

_ORDER = ordered()
_LINES = watching()  # it has begun already where the interpreter could be told at its start


@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(early_config: Any) -> Iterator[None]:
    """Keep pytest-cov from beginning, which would take the tracer's place."""
    if _LINES is not None:
        _without_coverage(early_config.known_args_namespace)
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """Begin the report; every test is to run, whatever fails before it."""
    worker = getattr(config, "workerinput", None)
    order = dict(worker.get("selfimprove", {})) if worker is not None else _ORDER
    if not order:
        return
    if _LINES is not None and worker is None:
        _workers_without_coverage(config)
    config.option.maxfail = 0
    config.option.continue_on_collection_errors = True
    root = str(getattr(config, "rootpath", None) or config.rootdir)
    writer = None
    if worker is None:
        writer = Writer(order["report"], order["key"])
        writer.write("begin", runner="pytest", version=pytest.__version__, python=python(), root=root)
    observer = _Observer(config, writer, order, root)
    config.pluginmanager.register(observer, "selfimprove-observer")


def _workers_without_coverage(config: Any) -> None:
    """Let the workers of xdist, which read the command line anew, read that they measure nothing."""
    _without_coverage(config.option)
    known: Any = getattr(config, "invocation_params", None)
    if known is not None and hasattr(config.option, "no_cov"):
        config.invocation_params = type(known)(
            args=(*known.args, "--no-cov"), plugins=known.plugins, dir=known.dir
        )


def _without_coverage(options: Any) -> None:
    for name, value in (("cov_source", None), ("no_cov", True)):
        if hasattr(options, name):
            setattr(options, name, value)


class _Observer:
    """The hooks of one session; a worker of xdist has no writer, its reports travel to the main process."""

    def __init__(self, config: Any, writer: Writer | None, order: dict[str, Any], root: str) -> None:
        self.config, self.writer, self.root = config, writer, root
        ids, self.shuffle = order.get("ids"), int(order.get("shuffle", 0))
        self.ids = None if ids is None else frozenset(ids)

    def _say(self, kind: str, **data: Any) -> None:
        if self.writer:
            self.writer.write(kind, **data)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        chosen = [item for item in items if self.ids is None or item.nodeid in self.ids]
        if len(chosen) < len(items):
            left = [item for item in items if item.nodeid not in (self.ids or ())]
            config.hook.pytest_deselected(items=left)
            items[:] = chosen
        if self.shuffle == 1:
            items.reverse()
        elif self.shuffle:
            random.Random(self.shuffle).shuffle(items)  # noqa: S311 (an order, not a secret)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: Any) -> None:
        self._say("collected", ids=[item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self._say("collected", ids=list(ids))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        ids = None if self.ids is None else sorted(self.ids)
        node.workerinput["selfimprove"] = {"ids": ids, "shuffle": self.shuffle, "worker": True}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        told = getattr(node, "workeroutput", {})
        if told.get("selfimprove_canary") is not None:
            self._say("canary", wrong=list(told["selfimprove_canary"]))

    def pytest_collectreport(self, report: Any) -> None:
        if not report.passed and report.nodeid:
            outcome = "skipped" if report.skipped else "error"
            text = "" if report.skipped else str(report.longrepr)
            self._say("test", id=report.nodeid, when="collect", outcome=outcome, text=text[-2000:])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._say("start", id=nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        if _LINES is not None:
            _LINES.resume()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        if _LINES is not None:
            _LINES.resume()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, call: Any) -> Iterator[None]:
        outcome: Any = yield
        report = outcome.get_result()
        if report.failed and call.excinfo is not None:
            info = call.excinfo
            report.selfimprove = described(info.type, info.value, info.tb, self.root)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        said = _outcome(report)
        if not said or (said == "passed" and report.when != "call"):
            return
        more: dict[str, Any] = {}
        if said in ("failed", "error"):
            more = dict(getattr(report, "selfimprove", None) or {"text": str(report.longrepr)[-2000:]})
            texts = [getattr(report, name, "") for name in ("capstdout", "capstderr", "caplog")]
            more["output"] = output_of(*texts)
        seconds = round(getattr(report, "duration", 0.0), 4)
        self._say("test", id=report.nodeid, when=report.when, outcome=said, seconds=seconds, **more)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtestloop(self, session: Any) -> Iterator[None]:
        yield
        if self.writer is not None and session.config.pluginmanager.hasplugin("dsession"):
            return
        if not session.config.option.collectonly:
            wrong = _canary(session)
            if self.writer is not None:
                self._say("canary", wrong=wrong)
            else:
                session.config.workeroutput["selfimprove_canary"] = wrong

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if _LINES is not None:
            self._say("lines", **_LINES.found())
        self._say("finished", status=int(exitstatus))


def _outcome(report: Any) -> str:
    """Return the word for a phase of a test, ``""`` for one that says nothing, such as a first try of several."""
    if report.outcome == "failed":
        return "failed" if report.when == "call" else "error"
    if report.outcome == "skipped":
        return "xfailed" if hasattr(report, "wasxfail") else "skipped"
    if report.outcome == "passed":
        return "xpassed" if hasattr(report, "wasxfail") and report.when == "call" else "passed"
    return ""


def _canary(session: Any) -> list[str]:
    """Run the canaries as pytest runs tests, unseen by its reporters; return those that ended wrong."""
    names: tuple[str, ...] = selfimprove_canary.MUST_PASS + selfimprove_canary.MUST_FAIL
    try:
        found = {name: _passes(session, name) for name in names}
    except Exception:  # another pytest than those that this knows
        wrong: list[str] = selfimprove_canary.direct()
        return wrong
    return [name for name, passed in found.items() if passed != (name in selfimprove_canary.MUST_PASS)]


def _passes(session: Any, name: str) -> bool:
    from _pytest.fixtures import FuncFixtureInfo
    from _pytest.runner import runtestprotocol

    path = Path(selfimprove_canary.__file__)
    try:
        module = pytest.Module.from_parent(session, path=path)
    except TypeError:  # before pytest 7
        module = pytest.Module.from_parent(session, fspath=session.fspath.__class__(os.fspath(path)))
    module.obj = selfimprove_canary
    # Without fixtures: one of the project that is used everywhere must not be set up a second time.
    none: Any = FuncFixtureInfo((), (), [], {})
    item: Any = pytest.Function.from_parent(
        module, name=name, callobj=getattr(selfimprove_canary, name), fixtureinfo=none
    )
    return all(report.passed for report in runtestprotocol(item, log=False, nextitem=None))
