"""Addresses: what is one, and what is never let near a mail server or into a mail."""

import re

from auditor.errors import AuditorError

# RFC 5321 section 4.5.3.1: the longest local part and the longest whole.
_N_MOST_LOCAL = 64
_N_MOST = 254
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_DOMAIN.pattern})")
# RFC 3986, without spaces, quotes and brackets that would end it where it stands in a mail.
_WEB_ADDRESS = re.compile(r"(https?)://[A-Za-z0-9_~-][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")
# A local sendmail may take these for an option, a file or a program.
_UNSAFE_STARTS = ("-", "/", "|")


class AddressError(AuditorError):
    """A text is not one plain mail address."""

    exit_code = 6


def is_plain_address(text: str) -> bool:
    """Say whether a text is one plain addr-spec (RFC 5322) in ASCII, as in carbon@example.org.

    Quoted local parts, address literals and everything with a space or a control character are
    not; nor is a local part that a mail program could take for an option, a file or a command.
    """
    found = _ADDRESS.fullmatch(text)
    return (
        found is not None
        and len(text) <= _N_MOST
        and len(found[1]) <= _N_MOST_LOCAL
        and not text.startswith(_UNSAFE_STARTS)
    )


def plain_address(text: str) -> str:
    """Return the address.

    Raises
    ------
    AddressError
        It is not one plain address; or it is not ASCII, which few mail servers take.
    """
    if is_plain_address(text):
        return text
    if not text.isascii():
        msg = f"{text!a} is not an ASCII mail address"
        raise AddressError(
            msg, hint="Write the domain as xn--...; other letters before the @ are not supported."
        )
    msg = f"{text!r} is not a plain mail address"
    raise AddressError(msg, hint="Write it as in carbon@example.org.")


def domain_of(address: str) -> str:
    """Return what stands behind the @ of a plain address; errors as in `plain_address`."""
    return plain_address(address).rpartition("@")[2].lower()


def is_domain(text: str) -> bool:
    """Say whether a text is a domain name in ASCII."""
    return len(text) <= _N_MOST and _DOMAIN.fullmatch(text) is not None


def is_web_address(text: str, *, is_encrypted: bool) -> bool:
    """Say whether a text is an http or https address in ASCII; with `is_encrypted` only https."""
    found = _WEB_ADDRESS.fullmatch(text)
    return found is not None and (found[1] == "https" or not is_encrypted)
