import json

import pytest

from auditor.doctor.as_json import checks_json
from auditor.doctor.check import Check, Group, Status, Topic, worst
from auditor.doctor.text import check_lines, heading_line, summary_line
from auditor.report.terminal import TerminalStyle

PLAIN = TerminalStyle(width=80)
TOPIC = Topic(Group.MAIL, "mail_server", "mail server")
HOSTILE = "\x1b[31mred\x1b[0m\r\n\u202egnp.exe"


def test_trouble_needs_a_way_out() -> None:
    with pytest.raises(ValueError, match="no hint"):
        Check(Group.HOST, "x", "x", Status.WARNING, "something")


def test_lines_are_aligned_and_end_before_the_edge() -> None:
    long = "a sentence that goes on and on " * 6
    lines = check_lines(TOPIC.fault(long, "`do this` and then that " * 5), PLAIN)
    assert lines[0].startswith("  fault    mail server            a sentence")
    assert max(map(len, lines)) <= 80
    (start,) = (place for place, line in enumerate(lines) if line.startswith(" " * 11 + "hint: `"))
    assert all(line.startswith(" " * 34) for line in lines[1:start])
    assert all(line.startswith(" " * 11) for line in lines[start:])
    assert any("[mail_server]" in line for line in lines[:start])


def test_a_long_name_stands_alone() -> None:
    lines = check_lines(TOPIC.of("a-cluster-with-a-long-name").ok("fine"), PLAIN)
    assert lines == ["  ok       a-cluster-with-a-long-name: mail server", " " * 34 + "fine"]


def test_nothing_found_is_shown_as_nothing() -> None:
    (line,) = check_lines(TOPIC.ok(""), PLAIN)
    assert line.rstrip() == "  ok       mail server"


def test_colour_is_never_alone_and_off_unless_wanted() -> None:
    check = TOPIC.warning("late", "wait")
    plain, coloured = (
        "\n".join(check_lines(check, TerminalStyle(80, has_colour=colour)))
        for colour in (False, True)
    )
    assert "\x1b" not in plain
    assert "\x1b[33mwarning\x1b[0m" in coloured
    assert "warning" in plain
    assert heading_line(Group.MAIL, PLAIN) == "Mail"


def test_text_from_outside_drives_no_terminal() -> None:
    shown = "\n".join(check_lines(TOPIC.of(HOSTILE).fault(HOSTILE, HOSTILE), PLAIN))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    ascii_style = TerminalStyle(80, is_ascii=True)
    assert "\n".join(check_lines(TOPIC.ok("naïve …"), ascii_style)).isascii()


def test_the_sum_of_it_says_whether_the_host_can_work() -> None:
    fine, late, broken = TOPIC.ok("x"), TOPIC.warning("x", "y"), TOPIC.fault("x", "y")
    assert summary_line([fine, fine]) == "2 ok, 0 warnings, 0 faults: this host can do its job."
    assert summary_line([late]) == "0 ok, 1 warning, 0 faults: this host can do its job."
    assert "cannot" in summary_line([fine, late, broken])
    assert [worst(each) for each in ([], [fine, late], [late, broken, fine])] == [
        Status.OK,
        Status.WARNING,
        Status.FAULT,
    ]


def test_programs_get_the_same_as_people() -> None:
    document = json.loads(checks_json([TOPIC.ok("x"), TOPIC.fault("y", "z")]))
    assert document["schema"] == "auditor.doctor/1"
    assert (document["n_ok"], document["n_warning"], document["n_fault"]) == (1, 0, 1)
    assert document["checks"][1] == {
        "group": "Mail",
        "code": "mail_server",
        "name": "mail server",
        "status": "fault",
        "found": "y",
        "hint": "z",
    }
