"""`auditor config check` tells every problem at once."""

import pytest

from tests.cli.conftest import CONFIG


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param("pue = 1.5", "pue = 0.2", "pue", id="a value out of range"),
        pytest.param("pue = 1.5", 'pue = 1.5\ncolour = "red"', "colour", id="an unknown key"),
        pytest.param('gpu_w = 400', 'gpu_w = "x"', "gpu_w", id="deep in the entry"),
        pytest.param(
            "[ledger]",
            '[energy]\ngpu_load_ratio = {low = "x", central = 0.5, high = 0.7}\n[ledger]',
            "low",
            id="in a band",
        ),
        pytest.param("[ledger]", '[energy]\ngpu_load_ratio = "x"\n[ledger]', "load", id="a band"),
        pytest.param('source = "csv"', 'source = "csv"\nkind = "x"', "kind", id="grid source"),
        pytest.param(
            'name = "alpha"',
            'name = "beta"\npue_low = 1.2\n[[clusters]]\nname = "alpha"',
            "need pue",
            id="an entry that cannot hold",
        ),
    ],
)  # fmt: skip
def test_config_check_looks_up_the_rest_of_a_wrong_entry(run, site, old, new, told):
    config = site / "auditor.toml"
    text = config.read_text().replace('zone = "X"\npue', 'zone = "Atlantis"\npue')
    assert old in text
    config.write_text(text.replace(old, new))
    answer = run("config", "check")
    assert answer.code == 6
    assert "2 problems" in answer.err
    assert told in answer.err
    assert "Atlantis" in answer.err


GPU = """
[[clusters]]
name = "gpu-cloud"
scheduler = "kubernetes"
collect = "kubernetes"
zone = "X"
pue = 1.1
  [clusters.kubernetes]
  kubeconfig = "kubeconfig"
  [clusters.prometheus]
  url = "http://127.0.0.1:9"
"""
LOGIN = 'username = "auditor"\n  password_file = "pw"\n'
MAIL = """
[mail]
sender = "c@example.org"
operators = ["o@example.org"]
"""
FILES = [
    pytest.param("", "kubernetes.kubeconfig", "kubeconfig", id="kubeconfig"),
    pytest.param('  bearer_token_file = "t"\n', "prometheus.bearer_token_file", "t", id="token"),
    pytest.param(f"  {LOGIN}", "prometheus.password_file", "pw", id="password"),
    pytest.param('  ca_file = "ca"\n', "prometheus.ca_file", "ca", id="certificates"),
    pytest.param(f'{MAIL}[mail.smtp]\nca_file = "ca"\n', "mail.smtp.ca_file", "ca", id="of mail"),
    pytest.param(f'{MAIL}[mail.smtp]\nsecurity = "tls"\nusername = "a"\npassword_file = "d/pw"\n',
                 "mail.smtp.password_file", "d/pw", id="password of mail"),
    pytest.param(f'{MAIL}[mail.addresses]\nfile = "who.csv"\n', "mail.addresses.file", "who.csv",
                 id="addresses"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "key", "file"), FILES)
def test_config_check_misses_files_that_are_not_there(run, site, more, key, file):
    (site / "auditor.toml").write_text(CONFIG + GPU + more)
    names = {"kubeconfig", file}
    for name in names - {file}:
        (site / name).write_text("x")
    answer = run("config", "check")
    assert answer.code == 6
    assert "1 problem:" in answer.err
    assert f"{key}: {site / file} cannot be read: No such file" in answer.err
    (site / file).parent.mkdir(exist_ok=True)
    (site / file).write_text("x")
    assert run("config", "check").code == 0


def test_a_credential_of_systemd_is_not_missed_beside_the_file(run, site):
    words = '[mail.smtp]\nsecurity = "tls"\nusername = "a"\npassword_file = "smtp"\n'
    (site / "auditor.toml").write_text(CONFIG + MAIL + words)
    assert run("config", "check").code == 0


@pytest.mark.parametrize("verb", [("config", "check"), ("collect",), ("doctor", "--json")])
def test_no_password_of_an_address_is_told(run, site, verb):
    text = GPU.replace("http://", "http://user:s3cretpw@")
    (site / "auditor.toml").write_text(CONFIG + text)
    answer = run(*verb)
    assert answer.code in {5, 6}
    assert "password_file" in answer.out + answer.err
    assert "s3cretpw" not in answer.out + answer.err


@pytest.mark.parametrize(
    ("more", "code"),
    [
        pytest.param("", 6, id="no kubeconfig"),
        pytest.param('bearer_token_file = "t"\n', 6, id="no token"),
    ],
)
def test_collect_ends_with_6_where_a_file_of_the_login_is_missing(run, site, more, code):
    text = GPU if not more else GPU.replace('collect = "kubernetes"', 'collect = "prometheus"')
    (site / "auditor.toml").write_text(CONFIG + text + more)
    answer = run("collect")
    assert answer.code == code, answer.err
    assert "No such file" in answer.err


def test_config_check_says_where_the_defaults_hold(run, site):
    (site / "auditor.toml").write_text(CONFIG + '[[clusters]]\nname = "pai"\n')
    answer = run("config", "check")
    assert answer.code == 0
    lines = [line for line in answer.out.splitlines() if line.startswith("cluster ")]
    assert len(lines) == 2
    assert "cluster pai: no zone is stated: it counts on the grid of WORLD, 486" in lines[0]
    assert "cluster pai: no pue is stated: 1.56 is taken" in lines[1]
