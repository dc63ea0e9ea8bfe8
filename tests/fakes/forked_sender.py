"""Start `auditor send` again and again without waiting for its imports.

Reads an instant per line and runs the command at that instant in a fork of its own, whose process
id it prints. At the next line it waits for the fork and prints its exit status, negative for a
signal; until then the process id belongs to nobody else.
"""

import os
import sys

from auditor.cli.app import main
from auditor.ledger import ledger
from auditor.wiring import sending


def run_at(instant: str, configuration: str) -> int:
    """Fork; return the process id in the parent, never return in the child."""
    child = os.fork()
    if child:
        return child
    os.environ["AUDITOR_NOW"] = instant
    sys.argv = ["auditor", "--config", configuration, "send"]
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    try:
        main()
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 0)
    finally:
        os._exit(1)


if __name__ == "__main__":
    assert ledger
    assert sending
    for line in sys.stdin:
        child = run_at(line.strip(), sys.argv[1])
        print(child, flush=True)  # noqa: T201
        sys.stdin.readline()
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201
