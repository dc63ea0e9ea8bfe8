"""`auditor config check` tells every problem at once."""

import pytest


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
