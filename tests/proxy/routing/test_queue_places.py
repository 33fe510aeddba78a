"""Places are given out first in, first out, and none is lost, whoever leaves when."""

import random

from coderouter_proxy.routing.queue_places import Places


def test_places_are_given_out_in_the_order_of_arrival() -> None:
    admitted: list[int] = []
    places = Places[int](admitted.append)
    assert [places.enter(ticket, "gpu", 2) for ticket in range(6)] == [True, True, False, False, False, False]
    assert places.enter(9, "other", 1), "the places of other names are others"
    places.leave(3)
    places.leave(1)
    places.leave(0)
    places.leave(0)
    assert admitted == [2, 4]


def test_the_newest_limit_holds() -> None:
    admitted: list[int] = []
    places = Places[int](admitted.append)
    assert [places.enter(ticket, "gpu", 1) for ticket in range(3)] == [True, False, False]
    assert not places.enter(3, "gpu", 3)
    assert admitted == [1, 2]
    places.enter(4, "gpu", 1)
    for ticket in (0, 1):
        places.leave(ticket)
    assert admitted == [1, 2], "three of them held a place, and one may"
    places.leave(2)
    assert admitted == [1, 2, 3]


def test_no_place_is_lost_or_given_twice_and_nobody_is_overtaken() -> None:
    chance = random.Random(7)
    order: list[int] = []
    places = Places[int](order.append)
    inside: set[int] = set()
    gone: set[int] = set()
    for ticket in range(2000):
        if places.enter(ticket, "gpu", 3):
            order.append(ticket)
        present = sorted({*range(ticket + 1)} - gone)
        for leaving in chance.sample(present, min(len(present), chance.choice((0, 1, 1, 2)))):
            gone.add(leaving)
            places.leave(leaving)
        inside = set(order) - gone
        waiting = set(present) - gone - inside
        assert len(inside) == min(3, len(inside) + len(waiting))
    assert order == sorted(order)
