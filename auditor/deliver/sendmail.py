"""The local sendmail: it takes a mail into its own queue and sees to the rest."""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from auditor.deliver.reply import reply_text
from auditor.domain.mail import Attempt, Outcome

_TIMEOUT_S = 120.0
# sysexits(3): what is wrong with the mail or its recipient. All else is the mail system's trouble.
_REFUSALS = {os.EX_DATAERR: "the mail", os.EX_NOUSER: "the user", os.EX_NOHOST: "the host"}


@dataclass(frozen=True)
class SendmailTransport:
    """Hands mails to a program that is called as sendmail is: `-i -f SENDER -- RECIPIENT`."""

    program: Path
    sender: str
    timeout_s: float = _TIMEOUT_S

    @property
    def longest_s(self) -> float:
        """How long one call of `hand_over` may take at most."""
        return self.timeout_s

    def ready(self) -> Attempt | None:
        """Return the trouble with the program, None if it can be run."""
        if self.program.is_file() and os.access(self.program, os.X_OK):
            return None
        return _trouble(f"{self.program} is not a program that can be run")

    def hand_over(self, content: bytes, recipient: str) -> Attempt:
        """Give one mail to the program for one recipient, and wait until it has it."""
        words = [str(self.program), "-i", "-f", self.sender, "--", recipient]
        # Not by a pipe: when we die it ends early, and half a mail would be sent as a whole.
        with tempfile.TemporaryFile() as file:
            file.write(content.replace(b"\r\n", b"\n"))
            file.seek(0)
            try:
                done = subprocess.run(  # noqa: S603  (the site's own program, without a shell)
                    words, stdin=file, capture_output=True, timeout=self.timeout_s, check=False
                )
            except subprocess.TimeoutExpired:
                return _trouble(f"{self.program.name} did not end within {self.timeout_s:g} s")
            except OSError as error:
                return _trouble(f"{self.program} cannot be run: {error.strerror}")
        said = reply_text(done.stderr or done.stdout)
        return _judged(self.program.name, done.returncode, said)

    def close(self) -> None:
        """Nothing stays open between two mails."""


def _judged(name: str, status: int, said: str) -> Attempt:
    text = f"{name} ended with status {status}" + (f": {said}" if said else "")
    if status == os.EX_OK:
        return Attempt(Outcome.ACCEPTED, f"taken by {name}")
    if status in _REFUSALS:
        return Attempt(Outcome.REFUSED, f"{_REFUSALS[status]} was refused: {text}")
    if status == os.EX_TEMPFAIL:
        return Attempt(Outcome.LATER, text)
    return _trouble(text)


def _trouble(text: str) -> Attempt:
    return Attempt(Outcome.LATER, text, is_server=True)
