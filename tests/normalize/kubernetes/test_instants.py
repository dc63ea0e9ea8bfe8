from datetime import UTC, datetime

import pytest

from auditor.normalize.kubernetes.instants import instant_us, last_named_us
from tests.normalize.kubernetes.pod_objects import condition, node, pod, running, status


def us(*parts: int) -> int:
    return round(datetime(*parts, tzinfo=UTC).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T10:00:00Z", us(2026, 11, 23, 10)),
        ("2026-11-23t10:00:00z", us(2026, 11, 23, 10)),
        ("2026-11-23T10:00:00.406244668Z", us(2026, 11, 23, 10, 0, 0, 406244)),
        ("2026-11-23T10:00:00+02:00", us(2026, 11, 23, 8)),
        ("2026-02-30T10:00:00Z", None),
        ("2026-11-23T10:00:00", None),
        ("2026-11-23 10:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("2199-01-01T00:00:00Z", None),
        ("\uff12026-11-23T10:00:00Z", None),
        ("", None),
        (None, None),
        (1795428000, None),
    ],
)
def test_instants(text, moment):
    assert instant_us(text) == moment


LATER = "2026-11-23T18:00:00Z"


@pytest.mark.parametrize(
    ("item", "is_later"),
    [
        (node(conditions=[{"type": "Ready", "lastHeartbeatTime": LATER}]), True),
        (pod(status=status("Running", running(LATER))), True),
        (pod(status=status("Running", conditions=[condition("Ready", at=LATER)])), True),
        (pod(metadata={"managedFields": [{"time": LATER}]}), True),
        # A deletion lies ahead by its grace, and annotations are the user's to write.
        (pod(metadata={"deletionTimestamp": LATER}), False),
        (pod(metadata={"annotations": {"kubernetes.io/config.seen": LATER}}), False),
    ],
    ids=["heartbeat", "container", "condition", "managed", "deletion", "annotation"],
)
def test_the_latest_instant_that_servers_write(item, is_later):
    assert (last_named_us(item) == us(2026, 11, 23, 18)) is is_later
