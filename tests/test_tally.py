from __future__ import annotations

import threading

from observed_hooks.events import ObserverReport
from observed_hooks.tally import Tally


def report(
    dropped: dict[str, int] | None = None,
    failed: dict[str, int] | None = None,
    seconds: dict[str, float] | None = None,
) -> ObserverReport:
    return ObserverReport(
        dropped=tuple((dropped or {}).items()),
        failed=tuple((failed or {}).items()),
        seconds=tuple((seconds or {}).items()),
    )


class TestTally:
    def test_begins_with_what_can_be_lost_before_there_is_a_sink(self) -> None:
        assert Tally().total() == report(
            dropped={"all": 0}, failed={"measure": 0}, seconds={"measure": 0.0, "inside": 0.0}
        )

    def test_counts_an_expected_sink_from_zero_so_that_a_rate_sees_its_first_failure(self) -> None:
        tally = Tally()
        tally.expect("jsonl")
        assert tally.total() == report(
            dropped={"all": 0, "jsonl": 0},
            failed={"measure": 0, "jsonl": 0},
            seconds={"measure": 0.0, "inside": 0.0, "jsonl": 0.0},
        )

    def test_expecting_a_sink_again_forgets_nothing(self) -> None:
        tally = Tally()
        tally.failed("jsonl")
        tally.spent("jsonl", 2.0)
        tally.expect("jsonl")
        assert dict(tally.total().failed) == {"measure": 0, "jsonl": 1}
        assert dict(tally.total().seconds)["jsonl"] == 2.0

    def test_tells_how_many_there_were_with_every_count(self) -> None:
        tally = Tally()
        assert [tally.dropped("jsonl"), tally.dropped("jsonl"), tally.dropped("all")] == [1, 2, 1]
        assert [tally.failed("jsonl"), tally.failed("jsonl")] == [1, 2]

    def test_adds_up_the_time_of_each_stage(self) -> None:
        tally = Tally()
        tally.spent("measure", 0.25)
        tally.spent("measure", 0.5)
        tally.spent("tensorboard", 1.0)
        assert dict(tally.total().seconds) == {"measure": 0.75, "inside": 0.0, "tensorboard": 1.0}

    def test_loses_nothing_when_many_threads_count(self) -> None:
        tally = Tally()
        together = threading.Barrier(4)

        def count() -> None:
            together.wait()
            for _ in range(500):
                tally.failed("jsonl")
                tally.spent("jsonl", 1.0)

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert dict(tally.total().failed)["jsonl"] == 2000
        assert dict(tally.total().seconds)["jsonl"] == 2000.0


class TestUnreported:
    def test_is_what_came_since_the_last_report(self) -> None:
        tally = Tally()
        tally.failed("jsonl")
        tally.spent("measure", 1.0)
        tally.unreported()
        tally.failed("jsonl")
        tally.dropped("all")
        tally.spent("measure", 0.5)
        assert tally.unreported() == report(
            dropped={"all": 1}, failed={"measure": 0, "jsonl": 1}, seconds={"measure": 0.5, "inside": 0.0}
        )

    def test_is_zero_for_each_that_is_known_when_nothing_came(self) -> None:
        tally = Tally()
        tally.failed("jsonl")
        tally.unreported()
        assert tally.unreported() == report(
            dropped={"all": 0}, failed={"measure": 0, "jsonl": 0}, seconds={"measure": 0.0, "inside": 0.0}
        )

    def test_adds_up_to_the_total(self) -> None:
        tally = Tally()
        reports = []
        for _ in range(5):
            tally.failed("jsonl")
            tally.dropped("jsonl")
            reports.append(tally.unreported())
        assert sum(dict(each.failed)["jsonl"] for each in reports) == dict(tally.total().failed)["jsonl"] == 5
        assert sum(dict(each.dropped)["jsonl"] for each in reports) == 5

    def test_leaves_the_total_as_it_is(self) -> None:
        tally = Tally()
        tally.failed("jsonl")
        before = tally.total()
        tally.unreported()
        assert tally.total() == before

    def test_a_report_handed_out_does_not_change_any_more(self) -> None:
        tally = Tally()
        before = tally.total()
        tally.dropped("all")
        assert before == Tally().total()
