import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.deliver.message import Envelope, build_message, list_id, message_id
from auditor.domain.address import AddressError
from auditor.domain.mail import Attachment, Picture, RenderedMail

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
RENDERED = RenderedMail(
    subject="[hydra] Your jobs 16–22 Nov: 12.4 kg CO₂e (−18 %)",  # noqa: RUF001
    text="12.4 kg CO₂e\n.\nFrom the cluster\n",
    html='<p>12.4 kg</p><img src="cid:days" alt="days">',
    pictures=(Picture("days", PNG),),
    attachments=(Attachment("2026-W47 alice.html", "text/html", b"<p>the page</p>"),),
)
ENVELOPE = Envelope(
    message_id=message_id(["user", "alice", "2026-W47", "1"], "example.org"),
    sender="carbon@example.org",
    sender_name="Example HPC",
    recipient="alice@example.org",
    date_utc=datetime(2026, 11, 23, 9, tzinfo=UTC),
    list_id="weekly.example.org",
    reply_to="support@example.org",
    unsubscribe_mailto="carbon+stop@example.org",
)
HEADERS = {
    "From": "Example HPC <carbon@example.org>",
    "To": "alice@example.org",
    "Reply-To": "support@example.org",
    "Subject": RENDERED.subject,
    "Date": "Mon, 23 Nov 2026 09:00:00 +0000",
    "Message-ID": ENVELOPE.message_id,
    "Auto-Submitted": "auto-generated",
    "Precedence": "bulk",
    "X-Auto-Response-Suppress": "All",
    "List-Id": "<weekly.example.org>",
    "List-Unsubscribe": "<mailto:carbon%2Bstop@example.org?subject=unsubscribe>",
    "MIME-Version": "1.0",
}


def parsed(rendered=RENDERED, envelope=ENVELOPE):
    return email.message_from_bytes(build_message(rendered, envelope), policy=email.policy.default)


def shape(part):
    inner = [shape(one) for one in part.iter_parts()] if part.is_multipart() else None
    return part.get_content_type() if inner is None else {part.get_content_type(): inner}


def text_of(part):
    return part.get_content().replace("\r\n", "\n")


def test_the_headers_are_those_of_a_mail_that_nobody_should_answer():
    mail = parsed()
    assert {name: str(mail[name]) for name in HEADERS} == HEADERS
    assert len(mail.keys()) == len(set(mail.keys()))


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        pytest.param(
            {},
            {
                "multipart/mixed": [
                    {
                        "multipart/alternative": [
                            "text/plain",
                            {"multipart/related": ["text/html", "image/png"]},
                        ]
                    },
                    "text/html",
                ]
            },
            id="all",
        ),
        pytest.param(
            {"attachments": ()},
            {
                "multipart/alternative": [
                    "text/plain",
                    {"multipart/related": ["text/html", "image/png"]},
                ]
            },
            id="no-attachment",
        ),
        pytest.param(
            {"attachments": (), "pictures": ()},
            {"multipart/alternative": ["text/plain", "text/html"]},
            id="no-picture",
        ),
    ],
)
def test_the_parts_lie_as_mail_clients_expect_them(without, expected):
    mail = parsed(replace(RENDERED, **without))
    assert shape(mail) == expected
    assert all(not part.defects for part in mail.walk())


def test_every_part_comes_out_as_it_went_in():
    mail = parsed()
    text, related = next(mail.iter_parts()).iter_parts()
    html, picture = related.iter_parts()
    assert text_of(text) == RENDERED.text
    content_id = picture["Content-ID"].strip("<>")
    assert text_of(html).rstrip() == RENDERED.html.replace("cid:days", f"cid:{content_id}")
    assert picture.get_content() == PNG
    (attachment,) = mail.iter_attachments()
    assert attachment.get_filename() == "2026-W47-alice.html"
    assert attachment.get_payload(decode=True) == b"<p>the page</p>"


def test_the_same_mail_is_the_same_bytes_and_another_is_another():
    assert build_message(RENDERED, ENVELOPE) == build_message(RENDERED, ENVELOPE)
    other = replace(ENVELOPE, message_id=message_id(["user", "bob"], "example.org"))
    assert build_message(RENDERED, other) != build_message(RENDERED, ENVELOPE)


def test_a_message_id_keeps_its_parts_apart():
    ids = {message_id(parts, "example.org") for parts in (["ab", "c"], ["a", "bc"], ["abc"])}
    assert len(ids) == 3
    assert (
        message_id(["a"], "example.org") == "<ca978112ca1bbdcafac231b39a23dc4da786eff8@example.org>"
    )


def test_one_click_is_offered_only_where_there_is_a_page_for_it():
    assert "List-Unsubscribe-Post" not in parsed()
    mail = parsed(envelope=replace(ENVELOPE, unsubscribe_url="https://example.org/stop?u=1"))
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith("<https://example.org/stop?u=1>, <mailto:")


def test_a_long_link_to_unsubscribe_stays_a_link():
    url = "https://example.org/" + "a" * 300
    assert url in str(parsed(envelope=replace(ENVELOPE, unsubscribe_url=url))["List-Unsubscribe"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["Example HPC", "weekly"], "example-hpc.weekly.example.org", id="words"),
        pytest.param(["Größe\r\nBcc: x", "!"], "gr-e-bcc-x.example.org", id="hostile"),
        pytest.param([], "example.org", id="nothing"),
    ],
)
def test_a_list_id_is_a_domain(words, expected):
    assert list_id(words, "example.org") == expected


@pytest.mark.parametrize("field", ["sender", "recipient", "reply_to", "unsubscribe_mailto"])
@pytest.mark.parametrize(
    "address", ["x@example.org\r\nBcc: y@example.org", "a, b@c", "größe@x.org"]
)
def test_an_address_that_is_not_plain_is_refused(field, address):
    with pytest.raises(AddressError):
        build_message(RENDERED, replace(ENVELOPE, **{field: address}))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"message_id": "<a@b>\r\nX: y"}, id="message-id"),
        pytest.param({"message_id": "a@b"}, id="message-id-bare"),
        pytest.param({"list_id": "a>\r\nX: y"}, id="list-id"),
        pytest.param({"unsubscribe_url": "http://example.org/"}, id="url-open"),
        pytest.param({"unsubscribe_url": "https://x/>,<javascript:1"}, id="url-two"),
        pytest.param({"unsubscribe_url": "https://x/\r\nX: y"}, id="url-line"),
        pytest.param({"date_utc": datetime(2026, 11, 23)}, id="date-without-zone"),
    ],
)
def test_an_envelope_that_would_break_the_header_is_refused(change):
    with pytest.raises(ValueError, match=r"is not|has no"):
        build_message(RENDERED, replace(ENVELOPE, **change))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"pictures": (Picture('x">', PNG),)}, id="picture-name"),
        pytest.param({"attachments": (Attachment("a", "text/x\r\nX: y", b""),)}, id="media-type"),
        pytest.param({"attachments": (Attachment("a", "multipart/mixed", b""),)}, id="multipart"),
    ],
)
def test_parts_with_impossible_names_are_refused(change):
    with pytest.raises(ValueError, match="is not"):
        build_message(replace(RENDERED, **change), ENVELOPE)


@pytest.mark.parametrize("name", ["../../etc/passwd", "-rf", "a\r\nb.html", "\u202elmth.exe", ""])
def test_an_attachment_has_a_harmless_name(name):
    attachment = Attachment(name, "text/html", b"x")
    (part,) = parsed(replace(RENDERED, attachments=(attachment,))).iter_attachments()
    shown = part.get_filename()
    assert shown.replace("-", "").replace(".", "").replace("_", "").isalnum()
    assert not shown.startswith((".", "-"))


def test_a_body_cannot_forge_a_part():
    stem = build_message(RENDERED, ENVELOPE).split(b'boundary="')[1].split(b'"')[0].decode()
    forged = f"\n--{stem}\nContent-Type: text/html\n\n<script>\n--{stem}--\n"
    mail = parsed(replace(RENDERED, text=forged, html=forged))
    assert shape(mail) == shape(parsed())
    assert text_of(next(next(mail.iter_parts()).iter_parts())) == forged


HOSTILE = st.text(max_size=400) | st.sampled_from(
    ["a\r\nBcc: eve@example.org", "\0", "\u2028", "=?utf-8?q?x?=", "x" * 2000, '"<>\\"', "\ud800"]
)


@given(subject=HOSTILE, name=HOSTILE, text=HOSTILE, html=HOSTILE)
def test_whatever_the_text_the_mail_is_sound(subject, name, text, html):
    content = build_message(RenderedMail(subject, text, html), replace(ENVELOPE, sender_name=name))
    assert content.isascii()
    assert b"\0" not in content
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert set(mail.keys()) == {*HEADERS, "Content-Type"}
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail["From"].addresses[0].addr_spec == ENVELOPE.sender
    assert [address.addr_spec for address in mail["To"].addresses] == [ENVELOPE.recipient]
    shown = "".join(char if char.isprintable() else "?" for char in subject.strip())[:200]
    assert mail["Subject"].split() == shown.split()
