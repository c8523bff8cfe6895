"""JUnit: the audit as a test report, one suite for a file, for CI servers that show such reports."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from selfimprove.model.finding import Severity
from selfimprove.report.wording import place, symbol, visible, what

if TYPE_CHECKING:
    from selfimprove.model.audit import Audit
    from selfimprove.model.finding import Finding

# All but the characters of XML 1.0 (https://www.w3.org/TR/xml/#charsets).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(audit: Audit, least: int = Severity.WARNING) -> str:
    """Return an XML document that the schema of Jenkins (junit-10.xsd) accepts.

    A finding fails from severity ``least`` on (over 3 none does) and passes below it, with its text as output.
    A measured file without findings passes; one that was not analysed is skipped. Names of tests hold no line
    numbers, so that a server follows them from build to build; the failure's text begins with ``path:line``.
    """
    by_file: dict[str, list[Finding]] = defaultdict(list)
    for finding in audit.findings:
        by_file[finding.path].append(finding)
    skipped = {file.path: file.reason for file in audit.not_analysed}
    root = Element("testsuites", name="selfimprove")
    for path in sorted({*by_file, *skipped, *(file.path for file in audit.file_facts)}):
        _suite(root, path, by_file[path], least, skipped.get(path))
    if not len(root):
        suite = _element(root, "testsuite", name="selfimprove audit")
        _element(suite, "testcase", name="no findings", classname="selfimprove")
    for suite in root:
        _count(suite, [suite])
    _count(root, list(root))
    del root.attrib["skipped"]  # which the schema has for suites only
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, path: str, findings: list[Finding], least: int, skipped: str | None) -> None:
    suite = _element(root, "testsuite", name=path, file=path)
    dotted = ".".join(PurePosixPath(path).with_suffix("").parts)
    names: dict[str, int] = defaultdict(int)
    for finding in findings:
        name = f"{finding.rule} {symbol(finding)}"
        names[name] += 1
        unique = name if names[name] == 1 else f"{name} #{names[name]}"
        _finding(_element(suite, "testcase", name=unique, classname=dotted), finding, least)
    if skipped is not None:
        case = _element(suite, "testcase", name="not analysed", classname=dotted)
        _element(case, "skipped", message=f"not analysed: {skipped}")
    elif not findings:
        _element(suite, "testcase", name="within its limits", classname=dotted)


def _finding(case: Element, finding: Finding, least: int) -> None:
    text = f"{place(finding)}: {what(finding)}\n{_clean(finding.suggestion)}"
    if finding.severity >= least:
        failure = _element(case, "failure", type=finding.rule, message=finding.message)
        failure.text = text
    else:
        _element(case, "system-out").text = f"{finding.severity.word}: {text}"


def _element(parent: Element, tag: str, **attributes: str) -> Element:
    return SubElement(parent, tag, {name: _clean(value) for name, value in attributes.items()})


def _clean(text: str) -> str:
    """Return ``text`` on one line without what XML forbids; what is left out is written as an escape."""
    return _FORBIDDEN.sub(lambda found: ascii(found[0])[1:-1], visible(text))


def _count(element: Element, suites: list[Element]) -> None:
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
        element.set(name, str(sum(1 for suite in suites for _ in suite.iter(tag))))
    element.set("errors", "0")
