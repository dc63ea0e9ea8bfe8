from pathlib import Path

import pytest

from auditor.errors import ConfigError
from auditor.resources import resource
from auditor.settings.example import example_text
from auditor.settings.load import find_file, load_settings, parse_settings

HERE = Path("/etc/auditor")


def test_the_example_is_valid_complete_and_shipped():
    settings = parse_settings(example_text(), HERE)
    assert settings.clusters[0].nodes[0].match == "gpu[001-016]"
    assert settings.intensity[0].zone == "DE"
    uncommented = "\n".join(
        line.replace("# ", "", 1) if " = " in line and line.lstrip().startswith("# ") else line
        for line in example_text().splitlines()
    )
    full = parse_settings(uncommented, HERE)
    assert full.energy.gpu_load_ratio is not None
    assert full.clusters[0].nodes[0].node_base_w == 120
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
