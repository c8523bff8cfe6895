"""Begins to watch lines in every Python process of a test session; site looks for a module of this name at each start.

What else bears the name is imported next, as if this one were not there. Any Python reads this file, also Python 2.
"""

import os
import sys


def _watch():
    # type: () -> None
    if sys.version_info < (3, 8) or not os.environ.get("SI_LINES"):
        return
    try:
        from selfimprove_lines import watching

        watching()
    except Exception:  # then its lines are not known; the process goes on as it would
        return


def _next():
    # type: () -> None
    """Import the sitecustomize that stands behind this one; ImportError says that there is none."""
    kept = list(sys.path)
    mine = os.path.realpath(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    ours = [one for one in kept if os.path.realpath(one) == mine]
    sys.path[:] = [one for one in kept if one not in ours]
    left = list(sys.path)
    del sys.modules[__name__]
    try:
        __import__(__name__)
    finally:
        if sys.path == left:
            sys.path[:] = kept
        else:
            sys.path[0:0] = ours


_watch()
_next()
