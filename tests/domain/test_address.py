import pytest

from auditor.domain.address import AddressError, domain_of, is_domain, plain_address

PLAIN = [
    "alice@example.org",
    "a.b+c_d-e@sub.example.org",
    "root@localhost",
    "o'brien@example.org",
    "x" * 64 + "@example.org",
]
NOT_PLAIN = [
    "",
    "alice",
    "@example.org",
    "alice@",
    "alice@example.org ",
    " alice@example.org",
    "alice@example.org\n",
    "alice@example.org\r\nBcc: bob@example.org",
    "alice@example.org\0",
    "alice\u2028@example.org",
    "Alice <alice@example.org>",
    "alice@example.org, bob@example.org",
    "a@b@example.org",
    "al ice@example.org",
    '"al ice"@example.org',
    "alice..b@example.org",
    ".alice@example.org",
    "alice@-example.org",
    "alice@example..org",
    "alice@[127.0.0.1]",
    "alice(comment)@example.org",
    "-oQ/tmp@example.org",
    "|mail@example.org",
    "/etc/passwd@example.org",
    "x" * 65 + "@example.org",
    "x@" + ".".join(["d" * 60] * 5),
    "größe@example.org",
    "alice@größe.example",
]


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_address_is_taken_as_it_is(text):
    assert plain_address(text) == text


@pytest.mark.parametrize("text", NOT_PLAIN, ids=ascii)
def test_anything_else_is_refused(text):
    with pytest.raises(AddressError) as refused:
        plain_address(text)
    assert str(refused.value).isprintable()


def test_an_address_in_other_letters_says_what_to_do():
    with pytest.raises(AddressError, match="ASCII") as refused:
        plain_address("alice@größe.example")
    assert "xn--" in refused.value.hint


def test_the_domain_of_an_address():
    assert domain_of("alice@Example.ORG") == "example.org"
    assert is_domain("list.example.org")
    assert not is_domain("list.example.org>")
