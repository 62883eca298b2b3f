"""The ``siteselect`` command, also as ``python -m siteselect``."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from siteselect.errors import four_parts
from siteselect.whole_files import DISK, stop_text

#: What a shell reports for a command that Ctrl-C has ended.
INTERRUPTED = 130


class _EndedError(SystemExit):
    """The process was asked to end: what is half done is cleared away first."""


def _end(number: int, frame: FrameType | None) -> None:
    # Asked twice it ends at once.
    signal.signal(number, signal.SIG_DFL)
    raise _EndedError(128 + number)


def main() -> None:
    """Run the command; a request to end it, or Ctrl-C, ends it with a message."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Under nohup it is deaf to the end of the terminal, and stays so.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)
    try:
        # Half a second of imports is enough to be stopped in.
        from siteselect.cli import app

        app()
    except _EndedError as error:
        _tell(stop_text(f"Ended by signal {int(error.code or 0) - 128}", error))
        raise
    except KeyboardInterrupt as error:
        _tell(stop_text("Stopped by Ctrl-C", error))
        sys.exit(INTERRUPTED)
    except OSError as error:
        # Files have names; what has none is where the answer was printed to.
        if error.errno not in DISK or error.filename is not None:
            raise
        _tell(
            four_parts(
                "The answer was to be printed",
                f"found that the disk says: {error.strerror}",
                "a terminal, or a file on a disk with space, is needed",
                "Free some space and ask again; files that were written are whole",
            )
        )
        # What is still to be printed would fail once more while Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


def _tell(text: str) -> None:
    """Print a last line, unless nobody can be told any more."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
