from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from observed_hooks.checkpoints.bundle import Entry, Part, read_index
from observed_hooks.checkpoints.components import component_bytes, component_of
from tests.checkpoints.saves import save_object, taken

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def entry(name: str, dtype: str = "float32", shape: tuple[int, ...] = (5, 2)) -> Entry:
    return Entry(name, dtype, shape, (Part(0, 0, 40, 0),))


def components(*names: str) -> list[str]:
    found = component_of(map(entry, names))
    return [found[name] for name in names]


class TestTheRule:
    @pytest.mark.parametrize("dtype", ["string", "variant", "resource", "bool"])
    def test_what_is_not_a_number_is_other(self, dtype: str) -> None:
        assert component_of([entry("x", dtype)]) == {"x": "other"}

    @pytest.mark.parametrize("name", ["global_step", f"save_counter{VALUE}"])
    def test_a_counter_is_other(self, name: str) -> None:
        assert component_of([entry(name, "int64", ())]) == {name: "other"}

    def test_a_slot_is_named_after_another_entry(self) -> None:
        assert components("dense/kernel", "dense/kernel/Adam", "dense/kernel/Adam_1", "dense/bias") == [
            *("weights", "optimizer", "optimizer", "weights")
        ]

    def test_a_slot_may_stand_behind_a_scope(self) -> None:
        assert components("dense/kernel", "training/sgd/dense/kernel/momentum") == ["weights", "optimizer"]

    def test_a_layer_that_is_called_as_a_part_of_another_is_no_slot(self) -> None:
        assert components("dense/kernel", "dense_1/kernel", "kernel") == ["weights", "weights", "weights"]

    @pytest.mark.parametrize("name", ["beta1_power", "beta2_power", "train/beta1_power_1"])
    def test_the_powers_of_adam_are_the_optimizers(self, name: str) -> None:
        assert component_of([entry(name, shape=())]) == {name: "optimizer"}

    def test_the_slots_of_a_checkpoint_of_objects_are_marked(self) -> None:
        name = f"model/dense/kernel/.OPTIMIZER_SLOT/optimizer/m{VALUE}"
        assert components(f"model/dense/kernel{VALUE}", name) == ["weights", "optimizer"]

    def test_weights_that_are_saved_by_way_of_the_optimizer_are_weights(self) -> None:
        assert components(
            f"opt/_trainable_variables/0{VALUE}", f"opt/_variables/2{VALUE}", f"opt/_learning_rate{VALUE}"
        ) == ["weights", "optimizer", "optimizer"]


class TestOnRealCheckpoints:
    def test_of_a_session_each_slot_of_adam_weighs_as_much_as_the_weights(self, tmp_path: Path) -> None:
        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            kernel = v1.get_variable("layer/kernel", [30, 4], partitioner=v1.fixed_size_partitioner(2))
            bias = v1.get_variable("bias", [5])
            loss = tf.reduce_sum(tf.convert_to_tensor(kernel)) + tf.reduce_sum(bias)
            v1.train.AdamOptimizer().minimize(loss, global_step=v1.train.get_or_create_global_step())
            session.run(v1.global_variables_initializer())
            prefix = v1.train.Saver().save(session, str(tmp_path / "model.ckpt"))
        assert sizes(prefix) == {"weights": 500, "optimizer": 2 * 500 + 2 * 4, "other": 8}

    def test_of_keras_each_slot_of_adam_weighs_as_much_as_the_weights(self, tmp_path: Path) -> None:
        model = tf.keras.Sequential([tf.keras.layers.Dense(8), tf.keras.layers.Dense(2)])
        model.compile("adam", "mse")
        model.fit(tf.zeros([8, 4]), tf.zeros([8, 2]), verbose=0)
        weights = 4 * (4 * 8 + 8 + 8 * 2 + 2)
        prefix = save_object(tmp_path, net=model, opt=model.optimizer, it=taken(tf.data.Dataset.range(9), 1))
        found = sizes(prefix)
        assert found["weights"] == weights
        assert found["optimizer"] == 2 * weights + 4  # the learning rate
        assert sum(found.values()) == sum(each.size for each in read_index(prefix).entries)


def sizes(prefix: Any) -> dict[str, int]:
    return {str(each.component): each.size_bytes for each in component_bytes(read_index(prefix).entries)}
