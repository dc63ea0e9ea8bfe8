"""A rendered mail, addressed: the bytes that go to the mail server (RFC 5322, MIME).

The same input gives the same bytes, so that a repeat is recognised as one. The header block is
written here and not by `email`, which puts long identifiers and links into encoded words.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import MIMEPart
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import quote

from auditor.domain.address import is_domain, is_plain_address, is_web_address, plain_address
from auditor.domain.mail import Picture, RenderedMail

_N_MOST_SUBJECT = 200
_N_MOST_NAME = 100
# RFC 2045: no line of quoted-printable is longer than 76; 7bit: any server takes it.
_POLICY = SMTP.clone(max_line_length=76, cte_type="7bit")
_QUOTED = "quoted-printable"
_PICTURE_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MEDIA_TYPE = re.compile(r"([a-z]+)/([a-z0-9.+-]+)")
# Control codes but tab and line feed, line separators, reversing marks, halves of characters.
_NOT_IN_A_BODY = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True)
class Envelope:
    """For whom a mail is, from whom, and how it is known.

    `message_id` as `message_id` makes it, `list_id` as `list_id` does; addresses are plain.
    `date_utc` is the moment of the report, not of sending. `unsubscribe_url` must take a POST
    without login (RFC 8058).
    """

    message_id: str
    sender: str
    sender_name: str
    recipient: str
    date_utc: datetime
    list_id: str
    reply_to: str | None = None
    unsubscribe_mailto: str | None = None
    unsubscribe_url: str | None = None


def message_id(parts: Sequence[str], domain: str) -> str:
    """Return the Message-ID of what a mail is about and for whom: the same for the same parts."""
    content = "\0".join(parts).encode("utf-8", "surrogatepass")
    return f"<{hashlib.sha256(content).hexdigest()[:40]}@{domain}>"


def list_id(words: Sequence[str], domain: str) -> str:
    """Return a List-Id (RFC 2919) without its brackets: words reduced to what a domain may hold."""
    labels = ("-".join(re.findall("[a-z0-9]+", word.lower()))[:40].strip("-") for word in words)
    return ".".join((*(label for label in labels if label), domain))


def build_message(rendered: RenderedMail, envelope: Envelope) -> bytes:
    """Return the whole mail in ASCII with CRLF ends: text, HTML with its pictures, attachments.

    Control characters in the subject, the sender's name and the bodies become question marks.

    Raises
    ------
    AddressError
        An address of the envelope is not one plain ASCII address.
    ValueError
        Another part of the envelope, or a name or type in the mail, is not what it should be.
    """
    lines = [f"{name}: {value}" for name, value in _headers(rendered.subject, envelope)]
    content = _content(rendered, envelope.message_id)
    _set_boundaries(content, envelope.message_id)
    return "\r\n".join((*lines, "")).encode("ascii") + content.as_bytes(policy=_POLICY)


def _headers(subject: str, envelope: Envelope) -> Iterator[tuple[str, str]]:
    if not is_message_id(envelope.message_id):
        msg = f"{envelope.message_id!r} is not a Message-ID"
        raise ValueError(msg)
    if not is_domain(envelope.list_id):
        msg = f"{envelope.list_id!r} is not a List-Id"
        raise ValueError(msg)
    if envelope.date_utc.utcoffset() is None:
        msg = f"{envelope.date_utc} has no offset"
        raise ValueError(msg)
    sender = plain_address(envelope.sender)
    name = _phrase(envelope.sender_name)
    yield "From", f"{name} <{sender}>" if name else sender
    yield "To", plain_address(envelope.recipient)
    if envelope.reply_to is not None:
        yield "Reply-To", plain_address(envelope.reply_to)
    yield "Subject", _unstructured("Subject", subject, _N_MOST_SUBJECT)
    yield "Date", format_datetime(envelope.date_utc)
    yield "Message-ID", envelope.message_id
    yield "Auto-Submitted", "auto-generated"
    yield "Precedence", "bulk"
    yield "X-Auto-Response-Suppress", "All"
    yield "List-Id", f"<{envelope.list_id}>"
    yield from _unsubscribe(envelope)
    yield "MIME-Version", "1.0"


def is_message_id(text: str) -> bool:
    """Say whether a text is a Message-ID with its angle brackets."""
    return text.startswith("<") and text.endswith(">") and is_plain_address(text[1:-1])


def _unsubscribe(envelope: Envelope) -> Iterator[tuple[str, str]]:
    ways = []
    if envelope.unsubscribe_url is not None:
        if not is_web_address(envelope.unsubscribe_url, is_encrypted=True):
            msg = f"{envelope.unsubscribe_url!r} is not an https address"
            raise ValueError(msg)
        ways.append(f"<{envelope.unsubscribe_url}>")
    if envelope.unsubscribe_mailto is not None:
        address = quote(plain_address(envelope.unsubscribe_mailto), safe="@")
        ways.append(f"<mailto:{address}?subject=unsubscribe>")
    if ways:
        yield "List-Unsubscribe", ",\r\n ".join(ways)
    if envelope.unsubscribe_url is not None:
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


def _unstructured(name: str, text: str, n_most: int) -> str:
    """Spell free text for a header: as it is where it is plain ASCII, else in encoded words."""
    clean = "".join(char if char.isprintable() else "?" for char in text.strip())[:n_most]
    if clean.isascii() and "=?" not in clean:
        return clean
    return Header(clean, "utf-8", header_name=name, maxlinelen=76).encode(linesep="\r\n")


def _phrase(text: str) -> str:
    """Spell the name before an address: words, a quoted string, or encoded words."""
    spelled = _unstructured("From", text, _N_MOST_NAME)
    if not spelled or spelled.startswith("=?") or re.fullmatch(r"[A-Za-z0-9 ]+", spelled):
        return spelled
    return '"' + spelled.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _content(rendered: RenderedMail, mail_id: str) -> MIMEPart:
    content = MIMEPart(policy=_POLICY)
    html, pictures = _with_content_ids(rendered, mail_id)
    content.set_content(_body(rendered.text), cte=_QUOTED)
    content.add_alternative(_body(html), subtype="html", cte=_QUOTED)
    shown = list(content.iter_parts())[1]
    for content_id, picture in pictures:
        shown.add_related(
            picture.png, "image", "png",
            cid=content_id, disposition="inline", filename=f"{picture.name}.png",
        )  # fmt: skip
    for attachment in rendered.attachments:
        kind = _MEDIA_TYPE.fullmatch(attachment.media_type)
        if kind is None or kind[1] == "multipart":
            msg = f"{attachment.media_type!r} is not a media type"
            raise ValueError(msg)
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", attachment.file_name)[-_N_MOST_NAME:].lstrip(".-")
        content.add_attachment(attachment.content, kind[1], kind[2], filename=name or "attachment")
    return content


def _body(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _NOT_IN_A_BODY.sub("?", lines)


def _with_content_ids(
    rendered: RenderedMail, mail_id: str
) -> tuple[str, list[tuple[str, Picture]]]:
    """Give each picture an identifier of its own in the world (RFC 2392), in the HTML too."""
    html, pictures = rendered.html, []
    for picture in rendered.pictures:
        if not _PICTURE_NAME.fullmatch(picture.name):
            msg = f"{picture.name!r} is not a name for a picture"
            raise ValueError(msg)
        content_id = f"{picture.name}.{mail_id[1:-1]}"
        html = html.replace(f'"cid:{picture.name}"', f'"cid:{content_id}"')
        pictures.append((f"<{content_id}>", picture))
    return html, pictures


def _set_boundaries(content: MIMEPart, mail_id: str) -> None:
    """Name the boundaries after the mail. No quoted-printable or base64 body can hold `=_`."""
    stem = hashlib.sha256(mail_id.encode()).hexdigest()[:24]
    multiparts = (part for part in content.walk() if part.is_multipart())
    for number, part in enumerate(multiparts, start=1):
        part.set_boundary(f"=_{stem}_{number}")
