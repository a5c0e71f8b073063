"""Each problem has the name of its alarm, and no alert that stands is missing."""

from __future__ import annotations

from appliance.core.move_limit import says
from appliance.core.named_problems import NamedProblem, named_problems
from appliance.core.roles import Role
from appliance.core.status import AddressStatus, MovesStatus, PeerStatus, RelayStatus, Status, StatusValue

GONE = PeerStatus(node="secondary", name="pbx2", alive=StatusValue(False, ""))


def unknown_words(_: str) -> str:
    return ""


def test_nothing_wrong_has_no_name() -> None:
    assert named_problems(Status(role=Role.ACTIVE.value), unknown_words) == ()


def test_a_sentence_that_is_an_alert_or_part_of_one_has_its_name() -> None:
    status = Status(
        role=Role.ACTIVE.value,
        problems=(says(6, 6), "the cluster address is also at 00:11:22:33:44:55"),
        moves=MovesStatus(6, 6, True, says(6, 6)),
        address=AddressStatus("192.0.2.1", StatusValue(True, ""), "00:11:22:33:44:55"),
    )
    found = named_problems(status, unknown_words)
    assert [problem.alarm for problem in found] == ["service troubled", "split brain"]
    assert [problem.says for problem in found] == list(status.problems)


def test_an_alert_that_no_problem_tells_of_is_added() -> None:
    status = Status(role=Role.ACTIVE.value, peer=GONE, relay=RelayStatus(StatusValue(False, "")))
    assert [problem.alarm for problem in named_problems(status, unknown_words)] == ["peer lost", "card lost"]


def test_an_alert_of_the_same_name_is_not_told_twice() -> None:
    status = Status(role=Role.ACTIVE.value, peer=GONE, problems=("no standby is there; RESTART=NO",))
    found = named_problems(status, lambda _: "peer lost")
    assert found == (NamedProblem("no standby is there; RESTART=NO", "peer lost"),)


def test_a_sentence_that_nobody_knows_has_no_name() -> None:
    status = Status(role=Role.ACTIVE.value, problems=("something new",))
    assert named_problems(status, unknown_words) == (NamedProblem("something new", ""),)
