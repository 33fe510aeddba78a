"""Cases in which the client's request is damaged; its provider answers as usual."""

import json
import random

from fuzz import mutations
from fuzz.case import PROVIDERS, Case
from fuzz.upstream import Played
from proxy.wires.test_translate_fuzz import REQUESTS


def case(number: int, seed: str) -> Case:
    dice = random.Random(f"body-{seed}-{number}")
    client = dice.choice(list(REQUESTS))
    provider = dice.choice(list(PROVIDERS))
    body = {**REQUESTS[client], "profile": provider, "stream": dice.random() < 0.5}
    raw = json.dumps(body, ensure_ascii=dice.random() < 0.5).encode()
    for _ in range(dice.choice((0, 1, 1, 2, 3, 5, 8))):
        damage = mutations.damaged_bytes if dice.random() < 0.15 else mutations.damaged_json
        raw = damage(raw, dice)
    return Case(f"case-{number}", client, provider, None, raw, Played("", [], broken_off=True))
