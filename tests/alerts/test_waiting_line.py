"""Who goes first when more waits than the rate allows: the important, and nobody for ever."""

from msgspec.structs import replace

from alerts.notifications.send_policy import SmsPolicy
from alerts.notifications.state import ReadyToSend
from alerts.notifications.waiting_line import WaitingLine
from harness.notifications_feed import BOOK

POLICY = replace(BOOK.policy, priorities=("complaint_opened", "arrears"), oldest_every=1_000_000)


def message(id_: str, kind: str = "arrears", priority: int = 50, customer: str | None = None) -> ReadyToSend:
    return ReadyToSend(customer or f"c-{id_}", id_, priority, kind=kind)


def line(*messages: ReadyToSend, policy: SmsPolicy = POLICY) -> WaitingLine:
    made = WaitingLine(lambda: policy)
    for each in messages:
        made.push(each)
    return made


def popped(waiting: WaitingLine) -> list[str]:
    return [waiting.pop().sms_id for _ in range(len(waiting))]


def test_kinds_go_in_the_policy_s_order_then_by_priority_then_as_they_came() -> None:
    waiting = line(
        message("contract", "contract_expiring", 99),
        message("reminder", priority=40),
        message("final", priority=60),
        message("final-2", priority=60),
        message("complaint", "complaint_opened", 10),
    )
    assert popped(waiting) == ["complaint", "final", "final-2", "reminder", "contract"]


def test_without_an_order_priority_alone_counts() -> None:
    waiting = line(message("a", "arrears", 10), message("b", "other", 20), policy=replace(POLICY, priorities=()))
    assert popped(waiting) == ["b", "a"]


def test_who_waits_longest_has_every_so_many_places() -> None:
    waiting = line(message("old", "contract_expiring"), policy=replace(POLICY, oldest_every=5))
    left = []
    for n in range(100):  # a flood of what is more important: two come for each that leaves
        waiting.push(message(f"a{n}", "complaint_opened"))
        waiting.push(message(f"b{n}", "complaint_opened"))
        left.append(waiting.pop().sms_id)
        if left[-1] == "old":
            break
    assert left[-1] == "old" and len(left) == 5


def test_of_one_customer_the_more_important_leaves_first_even_in_the_oldest_s_place() -> None:
    waiting = line(
        message("low", "contract_expiring", customer="c1"),
        message("high", "complaint_opened", customer="c1"),
        policy=replace(POLICY, oldest_every=2),
    )
    waiting.push(message("x", "complaint_opened", 99))
    assert popped(waiting) == ["x", "high", "low"]


def test_another_order_counts_for_those_who_wait_already() -> None:
    now = [POLICY]
    waiting = WaitingLine(lambda: now[0])
    for each in (message("a", "arrears"), message("k", "complaint_opened"), message("c", "contract_expiring")):
        waiting.push(each)
    now[0] = replace(POLICY, priorities=("contract_expiring",))
    assert popped(waiting) == ["c", "a", "k"]
    assert len(waiting) == 0


def test_drained_they_are_as_they_came() -> None:
    waiting = line(message("a"), message("k", "complaint_opened"))
    assert [each.sms_id for each in waiting.drain()] == ["a", "k"]
    assert len(waiting) == 0
    waiting.push(message("z"))
    assert popped(waiting) == ["z"]


def test_a_message_stands_in_it_once() -> None:
    waiting = line(message("a"), message("b"), message("a", priority=60))
    assert len(waiting) == 2 and popped(waiting) == ["a", "b"]


def test_who_leaves_is_not_there() -> None:
    waiting = line(message("a", customer="c1"), message("b", customer="c1"), message("c"))
    for id_ in ("a", "c", "nobody"):
        waiting.leave(id_)
    assert popped(waiting) == ["b"]
    assert waiting._of == waiting._places == {}


def test_a_line_that_never_ends_keeps_no_places_of_those_who_have_left() -> None:
    waiting = line(*(message(f"f{n}", "complaint_opened") for n in range(100)), policy=replace(POLICY, oldest_every=2))
    for n in range(5_000):
        waiting.push(message(f"a{n}", "contract_expiring"))
        waiting.push(message(f"b{n}", "complaint_opened"))
        waiting.pop()
        waiting.leave(f"a{n}")
    assert len(waiting) == 100 and len(waiting._heap) <= 2 * 100 + 64
    assert len(popped(waiting)) == 100
