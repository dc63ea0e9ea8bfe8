"""What a table's configuration may say."""

from pathlib import Path

import pytest

from auditor.errors import ConfigError
from auditor.settings.load import parse_settings
from auditor.settings.table import UNIT_FACTORS, Unit

HERE = Path("/etc/auditor")
CLUSTER = '[[clusters]]\nname = "pai"\nscheduler = "other"\ndialect = "table"\n'
TABLE = CLUSTER + "[clusters.table]\n"
LEAST = 'columns = { job_id = "i", start = "s", end = "e" }\n'


@pytest.mark.parametrize(
    ("text", "part"),
    [
        pytest.param('columns = { start = "s", end = "e" }', "must name job_id", id="id"),
        pytest.param('columns = { job_id = "i", end = "e" }', "start or submit", id="start"),
        pytest.param('columns = { job_id = "i", start = "s" }', "end or elapsed", id="end"),
        pytest.param(LEAST + 'states = { ok = "FINE" }', "'FINE' is no state", id="state"),
        pytest.param(LEAST + 'epoch = "2023-01-01T00:00:00Z"', 'times = "s" or "ms"', id="iso"),
        pytest.param(
            LEAST + 'times = "s"\nepoch = "2023-01-01T00:00:00"', "needs an offset", id="naive"
        ),
        pytest.param(LEAST + 'delimiter = "||"', "delimiter", id="delimiter"),
        pytest.param(LEAST + 'times = "min"', "times", id="times"),
        pytest.param(LEAST.replace("e\" }", 'e", colour = "c" }'), "colour", id="unknown column"),
        *(
            pytest.param(
                LEAST.replace('e" }', f'e", {name} = {{ column = "c", unit = "{unit}" }} }}'),
                f"columns.{name} cannot be in {unit}",
                id=f"{name} in {unit}",
            )
            for name, unit in (
                ("elapsed", "m"), ("memory", "h"), ("n_cpus", "GB"), ("user", "s"),
                ("n_nodes", "m"),
            )
        ),
        pytest.param(
            LEAST.replace('e" }', 'e", gpu_share = "g" }'), "nothing without n_gpu", id="share"
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(text, part):
    with pytest.raises(ConfigError) as caught:
        parse_settings(TABLE + text, HERE)
    assert part in str(caught.value)


def test_every_unit_has_a_factor():
    assert set(UNIT_FACTORS) == set(Unit.__args__)


def test_a_table_and_its_dialect_belong_together():
    with pytest.raises(ConfigError, match="belong together"):
        parse_settings(CLUSTER, HERE)
    with pytest.raises(ConfigError, match="belong together"):
        parse_settings(TABLE.replace('dialect = "table"\n', "") + LEAST, HERE)
