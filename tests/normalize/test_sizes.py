import math

import numpy as np
import pytest

from auditor.normalize.sizes import parse_sizes
from tests.normalize.raw_frames import text_array

NAN = math.nan


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param(["3188K", "0", "58M", ""], [3188 * 1024, 0, 58 * 2**20, NAN], id="letters"),
        pytest.param(["", "17"], [NAN, 17], id="blank first"),
        pytest.param(["17", "18446744073709551614"], [17, NAN], id="no value"),
        pytest.param(["17", "2GB", "x"], [17, 2**31, NAN], id="other spellings"),
        pytest.param(["x", "17"], [NAN, 17], id="no size first"),
        pytest.param(["", ""], [NAN, NAN], id="blank"),
        pytest.param([], [], id="none"),
    ],
)
def test_a_column_of_sizes(cells, expected):
    np.testing.assert_allclose(parse_sizes(text_array(*cells)), expected)
