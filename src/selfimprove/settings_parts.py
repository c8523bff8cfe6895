"""Settings by part: each section with its settings, their meaning, unit, limits and default."""

from __future__ import annotations

from typing import Literal

from selfimprove.kind import FLAG, NULL, TEXT, Kind, listing, mapping, number, one_of, whole
from selfimprove.model.allow import WORDS
from selfimprove.section import Section, setting

YEAR = 31_536_000  # seconds

Limits = dict[str, int | str | None]
SECONDS = number(over=0, at_most=YEAR)
AMOUNT = number(at_least=0)
TEXTS = listing(TEXT)
STYLE = one_of("search_replace", "diff", "patch", "whole", "json", "function")
LIMITS: Kind[Limits] = mapping(whole(at_least=0) | one_of("A", "B", "C") | NULL)
# Two settings are the limits of rules, which ``audit.limits`` can name too.
THRESHOLDS = {"audit.complexity_threshold": "SI101", "audit.maintainability_threshold": "SI102"}


class AuditSettings(Section):
    """What the audit measures, and its limits."""

    complexity_threshold: int = setting(
        whole(at_least=1), 15, "Highest cyclomatic complexity of a function that is still fine."
    )
    maintainability_threshold: Literal["A", "B", "C"] = setting(
        one_of("A", "B", "C"),
        "B",
        "Worst rank of a file's maintainability index that is still fine: A (best), B or C.",
    )
    paths: tuple[str, ...] = setting(
        TEXTS, (".",), "Files and folders to measure, relative to the repository root."
    )
    exclude: tuple[str, ...] = setting(TEXTS, (), "Glob patterns of paths that are not measured.")
    select: tuple[str, ...] = setting(
        TEXTS,
        ("SI001", "SI101", "SI102"),
        "Rules to look for, by id, by a prefix such as SI1, or ALL (--select).",
    )
    ignore: tuple[str, ...] = setting(
        TEXTS, (), "Rules not to look for; the longer of two prefixes counts (--ignore)."
    )
    limits: Limits = setting(
        LIMITS, {}, "Limits by rule in place of its own, as in {SI104: 60}; null is off."
    )
    per_path: dict[str, Limits] = setting(
        mapping(LIMITS), {}, 'Limits by glob and rule, as in {"tests/**": {SI104: null}}; later ones win.'
    )
    baseline: str | None = setting(
        TEXT | NULL, None, "File with the findings that are accepted; null is none (--baseline)."
    )
    pylint: tuple[Literal["convention", "refactor", "warning", "error", "fatal"], ...] = setting(
        listing(one_of("convention", "refactor", "warning", "error", "fatal")),
        (),
        "Categories of pylint's messages that are findings too (SI301 to SI305).",
    )
    pylint_all: bool = setting(FLAG, False, "Have pylint look at every file, not only at those that changed.")
    cache: bool = setting(FLAG, True, "Keep what was measured in the cache folder of your own user account.")
    jobs: int = setting(
        whole(at_least=0, at_most=1024), 0, "Processes that measure; 0 is as many as the machine has CPUs."
    )
    history: bool = setting(FLAG, True, "Use git's history to put first what changes often and gets worse.")
    history_tool: Literal["git", "wily"] = setting(
        one_of("git", "wily"), "git", "What tells how the numbers were before: git, or wily (--history)."
    )

    def rule_limits(self) -> dict[str, int | str | None]:
        """Return the limits by rule: the two thresholds, and ``limits`` over them."""
        thresholds = {rule: getattr(self, key.rpartition(".")[2]) for key, rule in THRESHOLDS.items()}
        return thresholds | {rule.strip().upper(): limit for rule, limit in self.limits.items()}


class BudgetSettings(Section):
    """What one run may use. null is no limit."""

    units: float | None = setting(
        AMOUNT | NULL, None, "Limit on the sum of the tasks' `cost`, in units (--budget)."
    )
    warning: float = setting(
        number(over=0, at_most=1), 0.8, "Share of a limit, over 0 and up to 1, at which the run warns once."
    )
    dollars: float | None = setting(
        AMOUNT | NULL, None, "Limit on what the model may cost, in dollars (--max-spend)."
    )
    tokens: int | None = setting(
        whole(at_least=0) | NULL, None, "Limit on tokens sent to and received from the model."
    )
    calls: int | None = setting(
        whole(at_least=0) | NULL, None, "Limit on the calls to models, with those that fail."
    )
    seconds: float | None = setting(SECONDS | NULL, None, "Limit on wall time, in seconds (--time).")


class RunSettings(Section):
    """How a run goes."""

    max_tasks: int | None = setting(
        whole(at_least=1) | NULL, None, "Most tasks that one run does; null is no limit (--max-tasks)."
    )
    land: Literal["branch", "merge", "pr"] = setting(
        one_of("branch", "merge", "pr"),
        "branch",
        "Where commits land: stay on their branch, merge into yours, or pr: a pull request (--land).",
    )
    branch: Literal["run", "task"] = setting(
        one_of("run", "task"),
        "run",
        "One branch for a run (selfimprove/run-<n>), or one per task (selfimprove/task-<id>) (--branch).",
    )
    labels: tuple[str, ...] = setting(TEXTS, (), "Labels of a pull request; they must exist on the server.")
    approve: Literal["never", "each"] = setting(
        one_of("never", "each"), "never", "Ask before the commit of each task, or never (--approve)."
    )
    audit: bool = setting(FLAG, True, "Measure before and after the run, and append what is found as tasks.")
    rewrite: bool = setting(FLAG, True, "Try a rewrite without a model before a model is asked (--rewrite).")


class CommandSettings(Section):
    """Tasks with a `command:`."""

    timeout: float | None = setting(SECONDS | NULL, 3600, "Time limit of one command in seconds; null: none.")


class CheckSettings(Section):
    """How a change is proved."""

    test_command: str | None = setting(
        TEXT | NULL, None, "Shell command that runs the tests; null: found from the files of the repository."
    )
    lint_command: str | None = setting(
        TEXT | NULL, None, "Shell command that runs the linter; null: found from the files of the repository."
    )
    timeout: float = setting(SECONDS, 1800, "Time limit of one test or lint command, in seconds.")
    max_retries: int = setting(whole(at_least=0), 5, "Most repairs of one task after red tests or lint.")
    reruns: int = setting(
        whole(at_least=0, at_most=20),
        3,
        "How often a red test is run again, with and without the change, before it is blamed; 0: at once.",
    )
    allow: tuple[str, ...] = setting(
        listing(one_of(*WORDS)),
        (),
        "Vetoes that are waived for every task of this repository, by their words.",
    )


class ReviewSettings(Section):
    """What a second look by a model must say before a change is committed."""

    enabled: bool | None = setting(
        FLAG | NULL,
        None,
        "Have each final change reviewed, one more call; null: when review.model is set (--review).",
    )
    model: str | None = setting(
        TEXT | NULL, None, "Model that reviews, in litellm's words; null: the one that wrote the change."
    )
    threshold: float = setting(
        number(at_least=1, at_most=10),
        7.0,
        "Least mean of the six scores (1 to 10) with which a change is committed.",
    )
    lowest: int = setting(
        whole(at_least=1, at_most=10),
        4,
        "Least single score with which a change is committed, however good the mean is.",
    )
    auto_merge: float | None = setting(
        number(at_least=1, at_most=10) | NULL,
        None,
        "Mean score from which on a pull request merges itself once required checks pass; null: never.",
    )


class SandboxSettings(Section):
    """Where tests and lint of changed code run."""

    driver: Literal["auto", "bubblewrap", "docker", "none"] = setting(
        one_of("auto", "bubblewrap", "docker", "none"),
        "auto",
        "auto (bubblewrap, and a refusal without it), bubblewrap, docker, or none: no guard (--sandbox).",
    )
    image: str | None = setting(
        TEXT | NULL, None, "Image with what the tests need, for docker; it is not pulled by itself."
    )
    network: bool = setting(FLAG, False, "Let the sandbox reach the network.")
    memory_mb: int = setting(
        whole(at_least=16, at_most=2**24), 4096, "Memory limit of the sandbox, in megabytes."
    )
    processes: int = setting(
        whole(at_least=1, at_most=2**22), 512, "Most processes and threads in the sandbox at once."
    )
    tmp_mb: int = setting(
        whole(at_least=1, at_most=2**24), 1024, "Size of the sandbox's own /tmp, in megabytes."
    )


class LlmSettings(Section):
    """The model. Its key is never here: export it, or put it into .env (see .env.example)."""

    backend: Literal["litellm", "scripted"] = setting(
        one_of("litellm", "scripted"),
        "litellm",
        "litellm (a real model), or scripted (recorded replies, no network).",
    )
    model: str | None = setting(
        TEXT | NULL,
        None,
        "Model in litellm's words, for example anthropic/claude-sonnet-4-5; null is no model.",
    )
    fallback_models: tuple[str, ...] = setting(
        TEXTS, (), "Models to ask, in this order, when llm.model does not answer or cannot."
    )
    base_url: str | None = setting(TEXT | NULL, None, "Address of the model's API; null: the provider's own.")
    replies: str | None = setting(TEXT | NULL, None, "File with the replies of the scripted backend.")
    record: str | None = setting(
        TEXT | NULL,
        None,
        "File to which every reply is added, for the scripted backend; null: none (--record).",
    )
    max_tokens: int = setting(whole(at_least=1), 8192, "Longest reply, in tokens.")
    context_tokens: int = setting(
        whole(at_least=1), 24_000, "Longest question, in tokens: instructions, task and code together."
    )
    temperature: float | None = setting(
        number(at_least=0, at_most=2) | NULL, None, "Randomness, 0 to 2; null: the model's own."
    )
    edit_style: str | dict[str, str] = setting(
        STYLE | mapping(STYLE),
        "search_replace",
        'Form in which edits are asked for, or one by glob of the model, as in {"openai/*": patch}.',
    )
    stream: bool = setting(FLAG, True, "Have replies come piece by piece, so that one sees them come.")
    timeout: float = setting(SECONDS, 600, "Time limit of one request, in seconds.")
    stall_timeout: float = setting(
        SECONDS, 120, "Longest silence of the server before and in a streamed reply, in seconds."
    )
    retries: int = setting(whole(at_least=0), 4, "Most new attempts after a failed request.")
    price_input: float | None = setting(
        AMOUNT | NULL, None, "Dollars per million tokens sent; null: litellm's price list."
    )
    price_output: float | None = setting(
        AMOUNT | NULL, None, "Dollars per million tokens received; null: litellm's price list."
    )
    prices: dict[str, dict[str, float]] = setting(
        mapping(mapping(AMOUNT)),
        {},
        "Dollars per million tokens by model, as in {openai/mine: {input: 3, output: 15}}; before all others.",
    )


class IndexSettings(Section):
    """What the index of the code has besides words and its own small vectors; all of it is optional."""

    minilm: bool = setting(
        FLAG, False, "Have MiniLM's vectors made in the background, and used in the ranking."
    )
    faiss: bool = setting(
        FLAG, False, "Look for code by its meaning alone too, with FAISS, not only among what has the words."
    )
    redis: str | None = setting(
        TEXT | NULL,
        None,
        "URL of a team's Redis for MiniLM's vectors, its password only from the environment; null: none.",
    )


class AnalyzeSettings(Section):
    """The three documents, and what of the code a model is shown for them."""

    output_dir: str = setting(TEXT, "docs", "Folder of the documents, relative to the root (--output-dir).")
    prose: bool = setting(FLAG, True, "Have the model, where there is one, write a summary from the facts.")
    extensions: tuple[str, ...] = setting(
        TEXTS, (), "Endings of the files that a model may be shown, as in [.py, .md]; none: all texts."
    )
    priority: tuple[str, ...] = setting(
        TEXTS, (), "Globs of the files that are shown first, in this order; then README, settings, code."
    )
    file_chars: int = setting(whole(at_least=1), 8_000, "Most characters of one file that are shown.")
    total_chars: int = setting(whole(at_least=1), 60_000, "Most characters of all files that are shown.")
    update: bool = setting(FLAG, True, "Bring documents that analyze wrote up to date with each change.")


class SuggestSettings(Section):
    """What `suggest` asks a model for."""

    categories: tuple[Literal["features", "security", "compliance", "integration"], ...] = setting(
        listing(one_of("features", "security", "compliance", "integration")),
        ("features", "security", "compliance", "integration"),
        "What to ask for (--category).",
    )
    per_category: int = setting(whole(at_least=1, at_most=10), 4, "Most improvements in each category.")
    max: int | None = setting(
        whole(at_least=1) | NULL, None, "Most new tasks of one turn; null is no limit (--max)."
    )


class GenerateSettings(Section):
    """New goals of a model's own, when nothing is left to do."""

    when_idle: bool = setting(FLAG, False, "Ask a model for new goals when no task is left.")
    per_run: int = setting(whole(at_least=1, at_most=100), 3, "Most goals of one run.")
    master_prompt: str = setting(
        TEXT, ".selfimprove/master_prompt.txt", "File with what the goals should be about, from the root."
    )
    commits: int = setting(
        whole(at_least=0, at_most=100), 10, "Latest commits that are shown with their diffs."
    )


class TestsSettings(Section):
    """Tests that a model writes for a change, in groups."""

    __test__ = False  # not one of pytest's

    write: bool = setting(FLAG, False, "Have tests written for each change of code that a model makes.")
    groups: tuple[Literal["features", "security", "compliance", "integration"], ...] = setting(
        listing(one_of("features", "security", "compliance", "integration")),
        (),
        "Groups of tests to write for each change; none: the one of the task's category.",
    )
    folder: str | None = setting(
        TEXT | NULL, None, "Folder of these tests, one folder per group in it; null: where the tests are."
    )
    runs: int = setting(whole(at_least=1, at_most=50), 3, "Times that new tests are run, in changing order.")
    mutations: int = setting(
        whole(at_least=0, at_most=100), 8, "Most changed lines that are spoilt to see whether a test notices."
    )


class LessonsSettings(Section):
    """What was learned from earlier tasks."""

    enabled: bool = setting(FLAG, True, "Remember how tasks ended, and tell a model of those like its own.")
    shown: int = setting(whole(at_least=0, at_most=20), 3, "Most lessons that one question holds.")
    tokens: int = setting(whole(at_least=0), 600, "Most tokens of a question that lessons may take.")
    keep: int = setting(whole(at_least=1), 500, "Most lessons that are kept; the weakest go first.")
    least: float = setting(
        number(at_least=0, at_most=1), 0.2, "Weight, from 0 to 1, under which a lesson is dropped."
    )


class DatabaseSettings(Section):
    """Where runs and steps are kept."""

    url: str | None = setting(
        TEXT | NULL,
        None,
        "SQLAlchemy URL, its password only from the environment; null: .selfimprove/state.db.",
    )
