"""How long a conversation stays, by a clock of the test."""

import pytest

from coderouter_proxy.config.schema import Config
from coderouter_proxy.routing import worker_memory
from coderouter_proxy.routing.affinity import Affinity, Stay
from coderouter_proxy.routing.groups import Chain
from coderouter_proxy.routing.worker_memory import RECORDS_MAX, WorkerMemory
from coderouter_proxy.shared_memory.rings import END

CONVERSATION = b"conversation"


def chain(*links: object) -> Chain:
    names = ("a", "b", "c")
    providers = [{"name": name, "base_url": "http://127.0.0.1/v1", "model": name} for name in names]
    config = Config.model_validate(
        {"providers": providers, "profiles": [{"name": "default", "providers": list(links)}]}
    )
    return Chain.of(config.profiles[0], config)


PLAIN = chain("a", "b", "c")
GROUP = chain(["a", "b"], "c")


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def affinity(clock: Clock) -> Affinity:
    return Affinity(WorkerMemory(), clock)


def stay(affinity: Affinity, chain: Chain = PLAIN, conversation: bytes = CONVERSATION) -> Stay:
    return Stay(affinity, chain, conversation, "a", 10)


def answered(affinity: Affinity, name: str, chain: Chain = PLAIN, conversation: bytes = CONVERSATION) -> None:
    request = stay(affinity, chain, conversation)
    request.answered(name)
    request.ended()


def test_minutes_count_from_the_last_answer_and_from_its_end(affinity: Affinity, clock: Clock) -> None:
    answered(affinity, "b")
    clock.now_s += 599
    assert stay(affinity).provider == "b"
    request = stay(affinity)
    request.answered("b")
    clock.now_s += 900
    assert stay(affinity).provider is None
    request.ended()
    clock.now_s += 599
    assert stay(affinity).provider == "b"
    clock.now_s += 2
    assert stay(affinity).provider is None


def test_at_most_an_hour_after_it_moved(affinity: Affinity, clock: Clock) -> None:
    answered(affinity, "b")
    for _ in range(7):
        clock.now_s += 500
        assert stay(affinity).provider == "b"
        answered(affinity, "b")
    clock.now_s += 200
    assert stay(affinity).provider is None
    answered(affinity, "b")
    assert stay(affinity).provider == "b", "the first one still does not answer"


def test_among_equals_it_stays_longer_than_an_hour(affinity: Affinity, clock: Clock) -> None:
    answered(affinity, "b", GROUP)
    for _ in range(20):
        clock.now_s += 500
        assert stay(affinity, GROUP).provider == "b"
        answered(affinity, "b", GROUP)
    clock.now_s += 601
    assert stay(affinity, GROUP).provider is None


def test_the_first_provider_ends_it(affinity: Affinity, clock: Clock) -> None:
    answered(affinity, "b")
    clock.now_s += 1
    answered(affinity, "a")
    assert stay(affinity).provider is None


def test_other_conversations_and_other_chains_know_nothing_of_it(affinity: Affinity) -> None:
    answered(affinity, "b")
    assert stay(affinity, conversation=b"another").provider is None
    assert stay(affinity, chain("a", "b")).provider is None


def test_one_that_continues_outlives_thousands_of_others(affinity: Affinity, clock: Clock) -> None:
    answered(affinity, "b")
    for number in range(3 * RECORDS_MAX):
        answered(affinity, "c", conversation=b"other %d" % number)
        if number % 1000 == 0:
            answered(affinity, "b")
    assert stay(affinity).provider == "b"
    assert stay(affinity, conversation=b"other 0").provider is None


def test_one_that_continues_is_not_noted_again_while_there_is_room(clock: Clock) -> None:
    memory = WorkerMemory()
    affinity = Affinity(memory, clock)
    answered(affinity, "b")
    end = memory.rings[0].positions[END]
    for _ in range(100):
        clock.now_s += 1
        answered(affinity, "b")
    assert memory.rings[0].positions[END] == end


def test_two_processes_follow_the_newest_move(clock: Clock) -> None:
    ours, theirs = worker_memory.for_workers(2), worker_memory.for_workers(2)
    theirs.rings, theirs.own = ours.rings, 1
    here, there = Affinity(ours, clock), Affinity(theirs, clock)
    answered(here, "b")
    clock.now_s += 1
    assert stay(there).provider == "b"
    answered(there, "c")
    clock.now_s += 1
    assert stay(here).provider == "c"
    answered(here, "a")
    assert stay(there).provider is None


def test_a_process_alone_has_memory_of_its_own() -> None:
    assert worker_memory.own() is not worker_memory.own()
