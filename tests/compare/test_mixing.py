from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.compare.mixing import Mixing, mixing_of
from observed_hooks.errors import ConfigurationError

PERMUTATIONS = st.integers(4, 60).flatmap(lambda number: st.permutations(range(number)))
SORTED_LABELS = [number // 100 for number in range(1000)]


def shuffled(number: int, buffer_size: int, seed: int = 7) -> list[int]:
    """Do what tf.data's shuffle does: fill a buffer, then give out a random element and take the next one in."""
    random = np.random.default_rng(seed)
    source = iter(range(number))
    buffer = list(itertools.islice(source, max(buffer_size, 1)))
    order = []
    while buffer:
        place = int(random.integers(len(buffer)))
        order.append(buffer[place])
        following = next(source, None)
        if following is None:
            buffer[place] = buffer[-1]
            buffer.pop()
        else:
            buffer[place] = following
    return order


def by_definition(order: Sequence[int], batch_size: int, labels: Sequence[int]) -> tuple[float, float, float]:
    """Work out displacement, share of batch mates kept, and Q as the documentation writes them."""
    number = len(order)
    displacement = sum(abs(example - place) for place, example in enumerate(order)) / number
    place_of = {example: place for place, example in enumerate(order)}
    mates = [
        (one, other)
        for one, other in itertools.combinations(range(number), 2)
        if one // batch_size == other // batch_size
    ]
    kept = sum(place_of[one] // batch_size == place_of[other] // batch_size for one, other in mates) / len(mates)
    shares = {label: count / number for label, count in Counter(labels).items()}
    imbalance = 0.0
    for start in range(0, number, batch_size):
        batch = Counter(labels[example] for example in order[start : start + batch_size])
        imbalance += sum((batch[label] - batch.total() * share) ** 2 for label, share in shares.items())
    return displacement, kept, imbalance


def over_all_orders(number: int, batch_size: int, labels: Sequence[int]) -> list[tuple[float, float, float]]:
    return [by_definition(order, batch_size, labels) for order in itertools.permutations(range(number))]


def known(values: Iterable[float | None]) -> list[float]:
    found = [value for value in values if value is not None]
    assert found
    return found


class TestDisplacement:
    @pytest.mark.parametrize("number", [2, 3, 6])
    def test_is_1_on_average_over_all_orders(self, number: int) -> None:
        values = [mixing_of(order, 2).displacement for order in itertools.permutations(range(number))]

        assert statistics.mean(known(values)) == pytest.approx(1.0, rel=1e-12)

    def test_of_a_known_order(self) -> None:
        # |2-0| + |0-1| + |1-2| = 4 over 3 places; a full shuffle has (9 - 1) / 9.
        assert mixing_of([2, 0, 1], 2).displacement == pytest.approx((4 / 3) / (8 / 9))

    def test_goes_beyond_1_for_the_reversed_order(self) -> None:
        assert mixing_of(range(999, -1, -1), 32).displacement == pytest.approx(1.5, rel=1e-3)

    @given(PERMUTATIONS)
    def test_is_the_same_for_the_order_that_undoes_it(self, order: list[int]) -> None:
        undone = np.argsort(order)

        assert mixing_of(undone, 3).displacement == pytest.approx(mixing_of(order, 3).displacement)


class TestNeighbours:
    @pytest.mark.parametrize(("number", "batch_size"), [(6, 2), (6, 3), (6, 4), (6, 5), (7, 3), (7, 2)])
    def test_are_1_on_average_over_all_orders_also_with_a_short_batch(self, number: int, batch_size: int) -> None:
        values = [mixing_of(order, batch_size).neighbours for order in itertools.permutations(range(number))]

        assert statistics.mean(known(values)) == pytest.approx(1.0, rel=1e-12)

    def test_are_0_when_only_whole_batches_change_places(self) -> None:
        assert mixing_of([4, 5, 2, 3, 0, 1], 2).neighbours == 0.0

    def test_go_beyond_1_when_all_batch_mates_are_parted(self) -> None:
        # A full shuffle keeps 1 of 3 others: 1 - 1/3 of them go, here all.
        assert mixing_of([0, 2, 1, 3], 2).neighbours == pytest.approx(1 / (1 - 1 / 3))

    @given(PERMUTATIONS)
    def test_do_not_depend_on_the_order_within_a_batch(self, order: list[int]) -> None:
        within = [example for start in range(0, len(order), 3) for example in sorted(order[start : start + 3])]

        assert mixing_of(within, 3).neighbours == mixing_of(order, 3).neighbours

    @given(PERMUTATIONS)
    def test_are_those_of_the_definition(self, order: list[int]) -> None:
        batch_size = 3
        number = len(order)
        sizes = [len(order[start : start + batch_size]) for start in range(0, number, batch_size)]
        meet = sum(size * (size - 1) for size in sizes) / (number * (number - 1))
        _, kept, _ = by_definition(order, batch_size, [0] * number)

        assert mixing_of(order, batch_size).neighbours == pytest.approx((1 - kept) / (1 - meet))

    @pytest.mark.parametrize("batch_size", [1, 6, 7])
    def test_are_not_known_when_no_order_could_part_any(self, batch_size: int) -> None:
        mixing = mixing_of([5, 0, 3, 1, 2, 4], batch_size)

        assert mixing.neighbours is None
        assert mixing.displacement is not None
        assert "neighbours" in mixing.left_out


class TestLabels:
    @pytest.mark.parametrize("batch_size", [2, 3, 4])
    def test_expect_of_a_full_shuffle_what_all_orders_have_on_average(self, batch_size: int) -> None:
        labels = [0, 0, 0, 1, 1, 1, 2]
        everything = [imbalance for _, _, imbalance in over_all_orders(7, batch_size, labels)]
        shares = [3 / 7, 3 / 7, 1 / 7]
        sizes = [len(labels[start : start + batch_size]) for start in range(0, 7, batch_size)]
        full = sum(size * (7 - size) / 6 for size in sizes) * sum(share * (1 - share) for share in shares)

        assert statistics.mean(everything) == pytest.approx(full, rel=1e-12)

    @pytest.mark.parametrize("batch_size", [10, 32, 33])
    def test_are_those_of_the_definition(self, batch_size: int) -> None:
        order = shuffled(1000, 200)
        sizes = [len(order[start : start + batch_size]) for start in range(0, 1000, batch_size)]
        full = sum(size * (1000 - size) / 999 for size in sizes) * 0.9
        _, _, start = by_definition(range(1000), batch_size, SORTED_LABELS)
        _, _, end = by_definition(order, batch_size, SORTED_LABELS)

        expected = (start - end) / (start - full)

        assert mixing_of(order, batch_size, SORTED_LABELS).labels == pytest.approx(expected)

    def test_may_be_of_any_type_that_can_be_sorted(self) -> None:
        order = shuffled(1000, 100)
        names = [f"class {label}" for label in SORTED_LABELS]

        assert mixing_of(order, 32, names).labels == mixing_of(order, 32, SORTED_LABELS).labels

    def test_do_not_depend_on_which_number_stands_for_which(self) -> None:
        order = shuffled(1000, 100)
        others = [9 - label for label in SORTED_LABELS]

        assert mixing_of(order, 32, others).labels == mixing_of(order, 32, SORTED_LABELS).labels

    @pytest.mark.parametrize(
        ("labels", "reason"),
        [
            (None, "the examples have no labels"),
            ([7] * 1000, "all examples have the same label"),
            ([number % 10 for number in range(1000)], "as balanced in input order as in a full shuffle"),
            (list(np.random.default_rng(1).integers(10, size=1000)), "as balanced in input order as in a full shuffle"),
        ],
        ids=["none", "one", "in turn", "at random"],
    )
    def test_are_not_known_where_they_could_tell_nothing(self, labels: list[int] | None, reason: str) -> None:
        mixing = mixing_of(shuffled(1000, 100), 32, labels)

        assert mixing.labels is None
        assert reason in mixing.left_out
        assert mixing.neighbours is not None

    def test_of_a_full_shuffle_err_by_no_more_than_is_allowed(self) -> None:
        # Two thirds in order, the rest at random: little to gain, so chance weighs most.
        labels = np.where(np.random.default_rng(2).random(1000) < 0.3, np.arange(1000) % 7, np.arange(1000) // 500)
        random = np.random.default_rng(3)

        values = known(mixing_of(random.permutation(1000), 20, labels).labels for _ in range(200))

        assert statistics.stdev(values) < 0.1


class TestMixing:
    @given(st.integers(2, 300), st.integers(1, 40))
    def test_of_the_input_order_is_exactly_0(self, number: int, batch_size: int) -> None:
        mixing = mixing_of(range(number), batch_size, [place * 3 // number for place in range(number)])

        assert mixing.displacement == 0.0
        assert mixing.neighbours in {None, 0.0}
        assert mixing.labels in {None, 0.0}

    def test_of_a_full_shuffle_is_1_within_the_error_of_its_mean(self) -> None:
        random = np.random.default_rng(5)
        mixings = [mixing_of(random.permutation(1000), 33, SORTED_LABELS) for _ in range(400)]

        for figure in (FIGURES["displacement"], FIGURES["neighbours"], FIGURES["labels"]):
            values = known(map(figure, mixings))
            error = statistics.stdev(values) / len(values) ** 0.5
            assert statistics.mean(values) == pytest.approx(1.0, abs=4 * error)
            assert error < 0.01

    @pytest.mark.parametrize("name", ["displacement", "neighbours", "labels"])
    def test_grows_with_the_buffer(self, name: str) -> None:
        values = known(FIGURES[name](mixing_of(shuffled(1000, size), 32, SORTED_LABELS)) for size in (0, 10, 100, 1000))

        assert values == sorted(values)
        assert values[0] == 0.0
        assert values[-1] == pytest.approx(1.0, abs=0.1)

    def test_of_a_small_buffer_is_what_the_documentation_says(self) -> None:
        mixing = mixing_of(shuffled(40_000, 400), 32)

        assert mixing.displacement == pytest.approx(6 / np.e * 400 / 40_000, rel=0.05)
        assert mixing.neighbours == pytest.approx(0.96, abs=0.01)

    def test_takes_arrays_of_any_integer_type(self) -> None:
        order = [2, 0, 1, 5, 3, 4]

        assert mixing_of(np.array(order, np.uint8), 2) == mixing_of(order, 2)

    def test_of_a_pipeline_that_drops_a_short_batch_is_that_of_the_others(self) -> None:
        # 3 of 10 is dropped: those that come after it stand one place earlier.
        dropped, without = [1, 0, 2, 9, 8, 4, 5, 6, 7], [1, 0, 2, 8, 7, 3, 4, 5, 6]
        labels = [0, 0, 0, 7, 1, 1, 1, 1, 1, 1]

        assert mixing_of(dropped, 3, labels) == mixing_of(without, 3, [0, 0, 0, 1, 1, 1, 1, 1, 1])

    @pytest.mark.parametrize("order", [[], [0]])
    def test_of_fewer_than_two_examples_is_not_known(self, order: list[int]) -> None:
        assert mixing_of(order, 1) == Mixing(left_out="fewer than two examples cannot be mixed")


FIGURES: dict[str, Callable[[Mixing], float | None]] = {
    "displacement": lambda mixing: mixing.displacement,
    "neighbours": lambda mixing: mixing.neighbours,
    "labels": lambda mixing: mixing.labels,
}


class TestBadInput:
    @pytest.mark.parametrize(
        ("order", "batch_size", "labels", "message"),
        [
            ([0, 1, 2], 0, None, "a batch size of 1 at least, got 0"),
            ([0, 1, 1, 3], 2, None, "got example 1 2 times; read one epoch only"),
            ([0, 1, 2, 0, 1, 2, 0, 1, 2], 2, None, "got example 0 3 times"),
            ([3, 9, 1], 2, None, "got 3 of 10 examples; read to its end"),
            ([0, 1, 2**60], 2, None, "read to its end"),
            ([0, 1, 2], 2, [0] * 9, "got 3 of 9 examples; read to its end"),
            ([0, 1, 2], 2, [0, 1], "indices from 0 to 1, one for each label, got 0 to 2"),
            ([0, -1, 1], 2, None, "indices from 0 on, got -1"),
            ([0.0, 1.0], 2, None, "a list of their indices, got float64"),
            ([[0, 1], [2, 3]], 2, None, "got int64 of shape (2, 2)"),
            ([0, 1], 2, [[0], [1]], "one label for each example, got an array of shape (2, 1)"),
        ],
    )
    def test_is_told_in_one_line(self, order: object, batch_size: int, labels: object, message: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            mixing_of(order, batch_size, labels)  # type: ignore[arg-type]

        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
