"""The errors that the core speaks in: what happened, where, what to type next, and the exit code it means."""

from __future__ import annotations


class SelfimproveError(Exception):
    """Something a person can mend.

    ``message`` says what happened, ``where`` names the place (``tasks.yml:12``), ``hint`` is what to type
    or change next. ``code`` is the stable machine word and ``exit_code`` the process status it leads to.
    """

    code = "error"
    exit_code = 2

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint


class UsageError(SelfimproveError):
    """The command line asks for something that does not exist or does not go together."""

    code = "usage"


class ConfigError(SelfimproveError):
    """A configuration file or a ``SELFIMPROVE_*`` variable is wrong."""

    code = "config_invalid"


class TaskFileError(SelfimproveError):
    """tasks.yml cannot be read, is not valid, or could not be written."""

    code = "tasks_invalid"


class EditKept(TaskFileError):
    """An edit of the moment in which a program was killed is kept beside tasks.yml; the next save goes on."""


class StateError(SelfimproveError):
    """A state file of ours (state.db, a run record) is damaged, foreign or newer than this program."""

    code = "state_invalid"


class NotARepository(SelfimproveError):
    """The folder is not inside a git working tree."""

    code = "not_a_repository"


class GitError(SelfimproveError):
    """git answered with an error that the caller did not expect."""

    code = "git_failed"


class MissingTool(SelfimproveError):
    """A program or an optional part of selfimprove that this command needs is not installed."""

    code = "missing_tool"


class PatchError(SelfimproveError):
    """A reply is not a patch, or the patch does not fit the files; ``message`` is written for its author."""

    code = "patch_refused"
    exit_code = 1


class RefactorError(SelfimproveError):
    """A rewrite cannot be made, or would not be safe; ``message`` is the reason, for a person."""

    code = "not_refactored"
    exit_code = 1


class LLMError(SelfimproveError):
    """The model, or the way to it, failed after all retries."""

    code = "model_failed"
    exit_code = 1


class NeedsKey(SelfimproveError):
    """Only a key or a login is missing."""

    code = "needs_key"
    exit_code = 4


class NeedsModel(NeedsKey):
    """A task cannot be done without a model; ``message`` is the reason. It waits, and nothing has failed.

    ``code`` tells ``needs_model`` (nothing can be done) from ``unproved`` and ``check_failed``: something was.
    """

    code = "needs_model"


class LimitReached(SelfimproveError):
    """A limit that the person set (spend, tokens, time) does not allow the next action."""

    code = "limit_reached"
    exit_code = 5


class Interrupted(SelfimproveError):
    """A person (Ctrl-C) or the system (SIGTERM) asked to stop; ``exit_code`` is 128 plus the signal."""

    code = "interrupted"
    exit_code = 130

    def __init__(self, message: str = "interrupted", *, signum: int = 2) -> None:
        super().__init__(message)
        self.signum = signum
        self.exit_code = 128 + signum
