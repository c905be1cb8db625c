"""Named crash points for the fault tests: inert unless CRASH_AT names one.

``CRASH_AT=dispatch.before_call:/path/marker`` kills the process the first time that point is reached,
as a power cut would: no clean-up, no exception. The marker file makes it happen once.
"""

import os
import signal

_NAME, _, _MARKER = os.environ.get("CRASH_AT", "").partition(":")


def crash_point(name: str) -> None:
    """Die here if the environment asks for it."""
    if name != _NAME:
        return
    try:
        os.close(os.open(_MARKER, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
