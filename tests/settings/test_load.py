import re
from pathlib import Path

import pytest

from auditor.errors import ConfigError
from auditor.resources import resource
from auditor.settings.example import example_text
from auditor.settings.load import (
    UnreadableSystemFileError,
    find_file,
    load_settings,
    parse_settings,
)

HERE = Path("/etc/auditor")


_EITHER = "bearer_token_file"


def _uncommented(text: str) -> str:
    """State everything that the example shows: keys, and the headings of tables."""
    shown = re.compile(r"( *)# (\[clusters\.\w+\]|\w+ = .*)")
    lines = (shown.sub(r"\1\2", line) for line in text.splitlines())
    return "\n".join(line for line in lines if not line.lstrip().startswith(f"{_EITHER} = "))


def test_the_example_is_valid_complete_and_shipped():
    settings = parse_settings(example_text(), HERE)
    assert settings.clusters[0].nodes[0].match == "gpu[001-016]"
    assert settings.intensity[0].zone == "DE"
    full = parse_settings(_uncommented(example_text()), HERE)
    assert full.energy.gpu_load_ratio is not None
    assert full.clusters[0].nodes[0].node_base_w == 120
    for section in (full.identity, full.clusters[0].kubernetes, full.clusters[0].table):
        assert section is not None
        assert section.model_fields_set == set(type(section).model_fields)
    prometheus = full.clusters[0].prometheus
    assert prometheus is not None
    # Two ways to log in: the example shows both, one may be stated.
    assert set(type(prometheus).model_fields) - prometheus.model_fields_set == {_EITHER}
    assert resource("configs", "auditor.toml").read_text() == example_text(), (
        "run `auditor config example > configs/auditor.toml`"
    )


def test_every_problem_is_reported_at_once_with_its_path():
    text = """
    [site]
    nam = "x"
    timezone = "Mars/Olympus"
    [[clusters]]
    pue = 0.2
    [[clusters.nodes]]
    match = "n1"
    node_base_w = 10
    [[intensity]]
    zone = "DE"
    source = "csv"
    """
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, HERE)
    message = str(caught.value)
    for part in (
        "6 problems",
        "site.nam: no such key",
        "site.timezone: no time zone is called 'Mars/Olympus'",
        "clusters[0].name: Field required",
        "clusters[0].pue: Input should be greater than or equal to 1",
        "clusters[0].nodes[0]: node_base_w is shared by cores",
        "intensity[0].path: Field required",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[site", "not valid TOML"),
        ('[[clusters]]\nname="a"\n[[clusters]]\nname="a"', "cluster stated twice: a"),
        ('[[clusters]]\nname="a"\npue_low=1.2', "pue_low and pue_high need pue"),
        ('[[clusters]]\nname="a"\npue=1.5\npue_low=1.6', "is not between"),
        ('[[clusters]]\nname="a"\n[[clusters.nodes]]\ngpu_w=10\ngpu_idle_w=20', "is above gpu_w"),
        ("[energy]\ngpu_load_ratio={low=0.5,central=0.4,high=0.9}", "must hold"),
        ("[energy]\nmemory_w_per_gb=nan", "energy.memory_w_per_gb"),
        ('[[intensity]]\nzone="X"\nsource="guess"', "intensity[0]"),
    ],
)
def test_what_cannot_be_meant_is_refused(text, part):
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, HERE)
    assert part in str(caught.value)


def test_relative_paths_are_relative_to_the_file(tmp_path):
    file = tmp_path / "auditor.toml"
    file.write_text(
        '[ledger]\npath = "book"\n[[intensity]]\nzone="DE"\nsource="csv"\npath="/x.csv"'
    )
    loaded = load_settings(file)
    assert loaded.settings.ledger.path == tmp_path / "book"
    assert loaded.settings.intensity[0].path == Path("/x.csv")
    assert loaded.path == file


def test_the_stated_file_wins_over_the_environment(tmp_path):
    stated, named = tmp_path / "stated.toml", tmp_path / "named.toml"
    stated.touch()
    named.touch()
    assert find_file(stated, {"AUDITOR_CONFIG": str(named)}) == stated
    assert find_file(None, {"AUDITOR_CONFIG": str(named)}) == named
    with pytest.raises(ConfigError, match="there is no configuration file"):
        find_file(None, {"AUDITOR_CONFIG": str(tmp_path / "absent.toml")})


def test_a_file_that_is_not_text_is_one_sentence(tmp_path):
    file = tmp_path / "auditor.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(file)


@pytest.fixture
def closed(monkeypatch):
    """Return a function that makes a path unreadable: by its folder, or itself."""

    def close(path, how):
        real = getattr(Path, how)

        def refuse(self, *told, **named):
            if self == path:
                raise PermissionError(13, "Permission denied")
            return real(self, *told, **named)

        monkeypatch.setattr(Path, how, refuse)

    return close


@pytest.mark.parametrize("how", ["is_file", "read_text"])
def test_a_system_file_that_is_not_for_this_user_is_a_sentence(tmp_path, monkeypatch, closed, how):
    usual = tmp_path / "auditor.toml"
    usual.write_text("")
    monkeypatch.setattr("auditor.settings.load.SYSTEM_FILE", usual)
    closed(usual, how)
    with pytest.raises(UnreadableSystemFileError, match="cannot be read by this user") as caught:
        load_settings(None, {})
    assert (caught.value.exit_code, caught.value.path) == (6, usual)
    assert "--config" in caught.value.hint


@pytest.mark.parametrize("how", ["is_file", "read_text"])
def test_a_named_file_that_cannot_be_read_is_never_passed_over(tmp_path, closed, how):
    named = tmp_path / "mine.toml"
    named.write_text("")
    closed(named, how)
    for stated, environment in ((named, {}), (None, {"AUDITOR_CONFIG": str(named)})):
        with pytest.raises(ConfigError, match=r"mine\.toml cannot be read") as caught:
            load_settings(stated, environment)
        assert not isinstance(caught.value, UnreadableSystemFileError)


MAIL = '[mail]\nsender = "carbon@example.org"\noperators = ["hpc@example.org"]\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param('[mail]\nreply_to = "a..b@example.org"\n', "not a mail address", id="dots"),
        pytest.param('[mail]\nreply_to = "|sh@example.org"\n', "not a mail address", id="pipe"),
        pytest.param('[mail]\nreply_to = "a@[192.0.2.1]"\n', "not a mail address", id="literal"),
        pytest.param('[mail]\nreply_to = "a@exa_mple.org"\n', "not a mail address", id="domain"),
        pytest.param('[mail]\nreply_to = "a@größe.org"\n', "xn--", id="idn"),
        pytest.param('[mail]\noperators = ["ü@example.org"]\n', "xn--", id="local-part"),
        pytest.param(
            f'[mail]\nsender = "c@{".".join(["a" * 50] * 4)}"\noperators = ["h@x.org"]\n',
            "150 characters", id="long-domain",
        ),
        pytest.param('[mail.addresses]\npattern = "{user}@größe.org"\n', "address", id="pattern"),
        pytest.param(f'{MAIL}unsubscribe_url = "http://x.org/u"\n', "https://", id="in-the-open"),
        pytest.param(f'{MAIL}unsubscribe_url = "https://x.org/>,<x"\n', "https://", id="two"),
        pytest.param(f'{MAIL}pages_url = "ftp://x.org/"\n', "web address", id="ftp"),
        pytest.param(f'{MAIL}pages_url = "javascript:alert(1)"\n', "web address", id="script"),
        pytest.param(f'{MAIL}pages_url = "https://x.org/a b"\n', "web address", id="space"),
        pytest.param(f'{MAIL}pages_url = "https://"\n', "web address", id="no-host"),
        pytest.param(f'{MAIL}[mail.projects]\nleads = "coordinators"\n', "addresses", id="leads"),
    ],
)  # fmt: skip
def test_what_cannot_stand_in_a_mail_is_refused_at_once(text, says):
    with pytest.raises(ConfigError, match=r"mail") as caught:
        parse_settings(text, HERE)
    assert says in str(caught.value)


def test_what_can_stand_in_a_mail_is_taken():
    more = (
        'pages_url = "http://carbon.example.org:8080/weeks/"\n'
        'unsubscribe_url = "https://carbon.example.org/u?list=week"\n'
        '[mail.addresses]\npattern = "{user}@xn--gre-6ka8i.org"\n'
        '[mail.projects]\nleads = "coordinators"\n'
    )
    mail = parse_settings(MAIL + more, HERE).mail
    assert mail.pages_url == "http://carbon.example.org:8080/weeks/"
    assert mail.addresses.is_stated


SECRET = "s3cretpw"  # noqa: S105  (of nobody)
GPU = '[[clusters]]\nname = "g"\nscheduler = "kubernetes"\n'
LEAKS = [
    pytest.param(f'{GPU}[clusters.prometheus]\nurl = "http://user:{SECRET}@127.0.0.1:9090"\n',
                 "password_file", id="login of a Prometheus"),
    pytest.param(f'{GPU}[clusters.prometheus]\nurl = "http://h:9090/?token={SECRET}"\n',
                 "without ?", id="token of a Prometheus"),
    pytest.param(f'{GPU}[clusters.prometheus]\nurl = "http//user:{SECRET}@h"\n', "password_file",
                 id="a slip in the address"),
    pytest.param(f'{GPU}[clusters.prometheus]\nurl = "http://h"\npassword = "{SECRET}"\n',
                 "no such key", id="a key that there is not"),
    pytest.param(f'{MAIL}pages_url = "https://user:{SECRET}@x.org/"\n', "login", id="pages"),
    pytest.param(f'{MAIL}unsubscribe_url = "http://x.org/{SECRET}"\n', "https", id="unsubscribe"),
    pytest.param(f'{MAIL}[mail.smtp]\nhost = "user:{SECRET}@x.org"\n', "password_file",
                 id="mail server"),
    pytest.param(f'[[intensity]]\nzone = "DE"\nsource = "csv"\npath = "https://u:{SECRET}@x/de.csv"'
                 "\n", "an address", id="grid file"),
    pytest.param(f'{GPU}[clusters.kubernetes]\nkubeconfig = "https://u:{SECRET}@x"\n', "an address",
                 id="kubeconfig"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), LEAKS)
def test_what_may_be_a_secret_is_never_said_again(text, says):
    with pytest.raises(ConfigError, match=r"problem") as caught:
        parse_settings(text, HERE)
    assert says in str(caught.value)
    assert SECRET not in f"{caught.value} {caught.value.hint}"
