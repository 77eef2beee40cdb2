from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.imports import (
    PACKAGE,
    Module,
    first_party,
    imports,
    loaded_with,
    private_tensorflow,
    read_package,
)

# The floors of the house, the lowest first. A module imports only from floors below its own, and from
# siblings in its own sub-package; neighbours on a floor do not know each other. An import inside a function counts, and
# so does one for annotations only. `__init__.py` of the package is the roof: it may import everything, and
# nothing imports it.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("_tensorflow", "clock", "errors", "events", "metrics", "task", "version", "worker"),
    ("checkpoints", "companion", "samples", "session", "tally"),
    ("dispatch", "inspection", "listener", "pipeline", "watching"),
    ("bus", "saving"),
    ("hooks", "sinks"),
    ("observation", "testing"),
    ("dashboards", "demo"),
    ("compare",),
    ("cli",),
)

# These subclass or extend TensorFlow, and load it. Whoever else needs it imports it inside a function.
LOAD_TENSORFLOW = {"_tensorflow", "demo", "hooks", "listener", "observation", "saving", "session", "testing"}

# These know nothing of TensorFlow, not even inside a function.
NEVER_TENSORFLOW = {
    "checkpoints",
    "clock",
    "dashboards",
    "errors",
    "events",
    "inspection",
    "metrics",
    "samples",
    "watching",
}

# The only module that may use names TensorFlow does not publish.
PRIVATE_TENSORFLOW = f"{PACKAGE}._tensorflow"

FLOOR = {unit: number for number, units in enumerate(FLOORS) for unit in units}
ROOF = len(FLOORS)
MODULES = read_package()
PARTS = [name for name in MODULES if name != PACKAGE]


def floor(module: Module) -> int:
    return FLOOR.get(module.unit, ROOF)


class TestTheFloors:
    def test_hold_every_module(self) -> None:
        homeless = {module.unit for module in MODULES.values() if module.unit} - FLOOR.keys()

        assert not homeless, f"give each a floor in FLOORS, at the top of {__file__}: {sorted(homeless)}"

    def test_name_no_module_that_is_not_there(self) -> None:
        gone = FLOOR.keys() - {module.unit for module in MODULES.values()}

        assert not gone, f"take them out of FLOORS, at the top of {__file__}: {sorted(gone)}"

    def test_hold_each_module_once(self) -> None:
        assert len(FLOOR) == sum(len(units) for units in FLOORS)

    @pytest.mark.parametrize("name", PARTS)
    def test_are_only_imported_from_above(self, name: str) -> None:
        module = MODULES[name]
        upward = [
            f"line {each.line} imports {each.target}"
            for each in first_party(imports(module, MODULES))
            if (target := MODULES[each.target]).unit != module.unit and floor(target) >= floor(module)
        ]

        assert not upward, f"{name} is on floor {floor(module)}, and may only import from lower ones: {upward}"

    def test_have_no_import_cycle(self) -> None:
        graph = {
            name: {each.target for each in first_party(imports(module, MODULES))} - {name}
            for name, module in MODULES.items()
        }
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            pytest.fail(f"modules that import each other in a circle: {' -> '.join(error.args[1])}")


class TestTensorFlow:
    @pytest.mark.parametrize("name", [PACKAGE, *PARTS])
    def test_is_loaded_only_by_what_extends_it(self, name: str) -> None:
        if MODULES[name].unit in LOAD_TENSORFLOW:
            return
        chains = [" -> ".join(chain) for target, chain in loaded_with(name, MODULES).items() if is_tensorflow(target)]

        assert not chains, f"`import {name}` must not load TensorFlow: {chains}"

    @pytest.mark.parametrize("name", [name for name in PARTS if MODULES[name].unit in NEVER_TENSORFLOW])
    def test_is_unknown_to_what_only_holds_values_or_reads_files(self, name: str) -> None:
        lines = [each.line for each in imports(MODULES[name], MODULES) if is_tensorflow(each.target)]

        assert not lines, f"{name} imports TensorFlow on lines {lines}"

    @pytest.mark.parametrize("name", [name for name in MODULES if name != PRIVATE_TENSORFLOW])
    def test_has_its_private_names_used_in_one_module_only(self, name: str) -> None:
        found = private_tensorflow(MODULES[name])

        assert not found, f"move these from {name} to {PRIVATE_TENSORFLOW}: {found}"


def is_tensorflow(target: str) -> bool:
    return target.partition(".")[0] in {"tensorflow", "tensorflow_estimator", "keras"}


STOCK_HOOK = "import tensorflow as tf\nclass A(tf.compat.v1.train.CheckpointSaverHook):\n    def _save(self):\n"


def module(source: str, name: str = "observed_hooks.example") -> Module:
    return Module(name, ast.parse(source))


class TestReadingImports:
    """The tests above are worth what the reader of imports sees."""

    @pytest.mark.parametrize(
        ("source", "at_load"),
        [
            ("import tensorflow", True),
            ("class A:\n    import tensorflow", True),
            ("try:\n    import tensorflow\nexcept ImportError:\n    pass", True),
            ("if TYPE_CHECKING:\n    pass\nelse:\n    import tensorflow", True),
            ("def f():\n    import tensorflow", False),
            ("async def f():\n    import tensorflow", False),
            ("if TYPE_CHECKING:\n    import tensorflow", False),
            ("if typing.TYPE_CHECKING:\n    import tensorflow", False),
        ],
    )
    def test_sees_every_import_and_whether_it_waits(self, source: str, at_load: bool) -> None:
        (found,) = imports(module(source), {})

        assert (found.target, found.at_load) == ("tensorflow", at_load)

    @pytest.mark.parametrize(
        ("source", "target"),
        [
            ("from observed_hooks import bus", "observed_hooks.bus"),
            ("from observed_hooks.bus import CheckpointBus", "observed_hooks.bus"),
            ("from observed_hooks import observe_me", "observed_hooks"),
            ("from . import bus", "observed_hooks.bus"),
            ("from .bus import CheckpointBus", "observed_hooks.bus"),
        ],
    )
    def test_tells_a_module_from_a_name_inside_one(self, source: str, target: str) -> None:
        known = {"observed_hooks.bus": module("", "observed_hooks.bus")}

        assert [each.target for each in imports(module(source), known)] == [target]

    def test_follows_what_an_import_loads_in_turn(self) -> None:
        known = {
            "observed_hooks": module("", "observed_hooks"),
            "observed_hooks.low": module("import tensorflow", "observed_hooks.low"),
            "observed_hooks.high": module("from observed_hooks import low", "observed_hooks.high"),
        }

        assert loaded_with("observed_hooks.high", known)["tensorflow"] == (
            "observed_hooks.high",
            "observed_hooks.low",
            "tensorflow",
        )

    @pytest.mark.parametrize(
        "source",
        [
            "from tensorflow.python.training import saver",
            "from tensorflow.python import saver",
            "from tensorflow import python",
            "import tensorflow.python.training.saver",
            "importlib.import_module('tensorflow.python.training.saver')",
            "import tensorflow as tf\ntf.python.training",
            "import tensorflow as tf\ntf.compat.v1.train._Secret()",
            STOCK_HOOK + "        return self._timer",
            STOCK_HOOK + "        return super()._save()",
        ],
    )
    def test_sees_a_private_name_of_tensorflow(self, source: str) -> None:
        assert private_tensorflow(module(source))

    @pytest.mark.parametrize(
        "source",
        [
            "import tensorflow as tf\ntf.compat.v1.train.Saver()",
            "import tensorflow as tf\ntf.__version__",
            "class A:\n    def f(self):\n        return self._timer",
            STOCK_HOOK + "        self._mine = 1\n        return self._mine, self._save",
            STOCK_HOOK + "        return super().end(None)",
        ],
    )
    def test_lets_public_and_own_names_pass(self, source: str) -> None:
        assert not private_tensorflow(module(source))
