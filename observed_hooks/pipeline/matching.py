"""Which running node is which planned one.

Optimisation fuses nodes (`ShuffleAndRepeat`), makes them parallel, drops those that do nothing and adds prefetching.
What it leaves alone is the order of the shuffles, and the nodes where pipelines meet or open further ones. So both
sides are walked from the consumer on, from one such landmark to the next. Nodes whose input has ended are gone from
the running side; where that leaves several possibilities, the answer is that nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice

from observed_hooks.pipeline.families import MERGES_INPUTS, PREFETCH, SHUFFLE, is_branch, parts
from observed_hooks.pipeline.plan import Planned
from observed_hooks.pipeline.running import Running

_MOST_POSSIBILITIES = 1000  # looked at, before nobody knows


@dataclass(slots=True)
class Match:
    """What the plan tells about running nodes, by their ids."""

    capacities: dict[int, int] = field(default_factory=dict)
    """Of shuffle buffers."""
    numbers: dict[int, int | None] = field(default_factory=dict)
    """Of the inputs of nodes that merge several, which of them each is; None where nobody knows."""


def match(root: Running, plan: Planned | None) -> Match:
    """Return what `plan` tells about `root` and the nodes behind it; without a plan, all is as it looks."""
    found = Match()
    _walk(root, plan, found)
    return found


def _walk(live: Running, planned: Planned | None, found: Match) -> None:
    planned_landmarks = iter(_planned_landmarks(planned) if planned else ())
    known = planned is not None
    for landmark in _running_landmarks(live):
        counterpart = next(planned_landmarks, None) if known else None
        known = counterpart is not None and _kind(landmark.name) == _kind(counterpart.name)
        if is_branch(landmark.name):
            _branch(landmark, counterpart if known else None, found)
        elif known and counterpart is not None and counterpart.capacity is not None:
            found.capacities[landmark.id] = counterpart.capacity


def _branch(live: Running, planned: Planned | None, found: Match) -> None:
    if parts(live.name)[0] not in MERGES_INPUTS:
        for each in live.inputs:
            _walk(each, _origin(each, live, planned) if planned else None, found)
        return
    places = _places(live.inputs, planned.inputs) if planned else range(len(live.inputs))
    for index, each in enumerate(live.inputs):
        place = places[index] if places is not None else None
        found.numbers[each.id] = place
        _walk(each, planned.inputs[place] if planned and place is not None else None, found)


def _origin(live: Running, opener: Running, planned: Planned) -> Planned | None:
    """Return the plan of one node behind an opener: the opener's input, or what its function opened."""
    # The input is opened right behind the opener itself, all others later.
    is_input = live.id == opener.id + 1
    candidates = (*planned.inputs, planned.opened) if is_input else (planned.opened, *planned.inputs)
    return next((each for each in candidates if each is not None and _fits(live, each)), None)


def _places(live: Sequence[Running], planned: Sequence[Planned]) -> Sequence[int] | None:
    """Return, for each running input, which of the planned ones it is; None when there is not one answer."""
    if len(live) == len(planned):
        return range(len(live))
    choices = (
        choice
        for choice in islice(combinations(range(len(planned)), len(live)), _MOST_POSSIBILITIES)
        if all(_fits(each, planned[place]) for each, place in zip(live, choice, strict=True))
    )
    possible = list(islice(choices, 2))
    return possible[0] if len(possible) == 1 else None


def _fits(live: Running, planned: Planned) -> bool:
    """Tell whether `live` may be what `planned` runs as."""
    running_kinds = [_kind(each.name) for each in _running_landmarks(live)]
    planned_kinds = [_kind(each.name) for each in _planned_landmarks(planned)]
    done = {part for each in _chain(live) for part in parts(each.name)} - {PREFETCH}
    asked = {part for each in _planned_chain(planned) for part in parts(each.name)}
    return running_kinds == planned_kinds[: len(running_kinds)] and done <= asked


def _kind(name: str) -> str:
    return SHUFFLE if SHUFFLE in parts(name) else parts(name)[0]


def _is_landmark(name: str) -> bool:
    return SHUFFLE in parts(name) or is_branch(name)


def _running_landmarks(live: Running) -> Iterator[Running]:
    return (each for each in _chain(live) if _is_landmark(each.name))


def _planned_landmarks(planned: Planned) -> Iterator[Planned]:
    return (each for each in _planned_chain(planned) if _is_landmark(each.name))


def _chain(live: Running) -> Iterator[Running]:
    """Yield the nodes from `live` on, up to the first where pipelines meet."""
    yield live
    while not is_branch(live.name) and len(live.inputs) == 1:
        live = live.inputs[0]
        yield live


def _planned_chain(planned: Planned) -> Iterator[Planned]:
    yield planned
    while not is_branch(planned.name) and len(planned.inputs) == 1:
        planned = planned.inputs[0]
        yield planned
