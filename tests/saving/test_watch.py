from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.saving.watch import Reach, StepWatch

ALONE = Reach(most_per_run=1, alone=True)


def looks(watch: StepWatch, advances: list[int], every: int) -> tuple[list[int], list[int]]:
    """Run `advances`, save as soon as it is seen to be due; return the steps saved and the runs looked at."""
    step, goal = 0, every
    saved, looked = [], []
    watch.plan(step, goal)
    for run, advance in enumerate(advances, start=1):
        step += advance
        if not watch.ran():
            continue
        looked.append(run)
        watch.plan(step, goal)
        if step >= goal:
            saved.append(step)
            goal = step + every
            watch.plan(step, goal)
    return saved, looked


def eager(advances: list[int], every: int) -> list[int]:
    """Return the steps saved by someone who looks after every run."""
    return looks(StepWatch(Reach(most_per_run=None, alone=True)), advances, every)[0]


class TestAlone:
    def test_looks_once_for_each_save_when_it_has_some_experience(self) -> None:
        saved, looked = looks(StepWatch(ALONE), [1] * 400, every=100)

        assert saved == [100, 200, 300, 400]
        assert looked == [1, 2, 4, 8, 16, 32, 64, 100, 200, 300, 400]

    @given(st.lists(st.integers(0, 7), max_size=200), st.integers(1, 50))
    def test_never_saves_later_than_one_who_always_looks(self, advances: list[int], every: int) -> None:
        watch = StepWatch(Reach(most_per_run=7, alone=True))

        assert looks(watch, advances, every)[0] == eager(advances, every)

    def test_looks_seldom_when_runs_advance_by_less_than_they_could(self) -> None:
        _, looked = looks(StepWatch(Reach(most_per_run=2, alone=True)), [1] * 1000, every=1000)

        assert len(looked) <= 20  # experience doubles with each look, then the distance left is halved

    def test_always_looks_when_the_graph_does_not_tell(self) -> None:
        _, looked = looks(StepWatch(Reach(most_per_run=None, alone=True)), [1] * 10, every=100)

        assert looked == list(range(1, 11))


class TestAmongOthers:
    def test_saves_in_time_although_others_advance_the_step_most(self) -> None:
        advances = [5] * 2000

        saved, looked = looks(StepWatch(Reach(most_per_run=1, alone=False)), advances, every=1000)

        assert saved == eager(advances, 1000)
        assert len(looked) < len(advances) / 10

    def test_saves_in_time_although_the_pace_doubles(self) -> None:
        advances = [3] * 500 + [6] * 500

        saved, _ = looks(StepWatch(Reach(most_per_run=1, alone=False)), advances, every=200)

        assert saved == eager(advances, 200)

    def test_notices_that_it_is_not_alone_after_all(self) -> None:
        saved, _ = looks(StepWatch(ALONE), [4] * 1000, every=400)

        assert saved == list(range(400, 4001, 400))
