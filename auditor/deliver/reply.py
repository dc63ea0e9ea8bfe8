"""What a mail system said, made fit to be shown and kept."""

_N_MOST = 300


def reply_text(reply: bytes) -> str:
    """Return a reply on one line, printable, cut at 300 characters."""
    words = " ".join(reply.decode("utf-8", "replace").split())
    return "".join(char if char.isprintable() else "?" for char in words)[:_N_MOST]
