"""Named crash points for the fault tests: inert unless CRASH_AT names a folder.

A file in that folder arms the point of its name: whoever reaches it first removes the file and dies as
in a power cut, with no clean-up and no exception.
"""

import os
import signal
from pathlib import Path

_FOLDER = os.environ.get("CRASH_AT", "")


def crash_point(name: str) -> None:
    """Die here if the point is armed."""
    if not _FOLDER:
        return
    try:
        (Path(_FOLDER) / name).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
