"""How far one run of a session can carry the global step: read off the graph.

The bound is the sum of all constants that the graph's ops add to the step, since an op runs at most once in a run. It
does not hold where a loop or a function may add, or where the step is set to something computed: then there is none.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from observed_hooks.saving.watch import Reach

_READS = {"ReadVariableOp", "VarIsInitializedOp", "IsVariableInitialized", "VariableShape"}
_ADDS = {"AssignAddVariableOp", "AssignAdd"}
_SUBTRACTS = {"AssignSubVariableOp", "AssignSub"}
_SETS = {"AssignVariableOp", "Assign"}


def reach_of(session: tf.compat.v1.Session, global_step: Any) -> Reach:
    """Return the reach of a run in `session` for the variable `global_step`; the graph is finalised."""
    # An empty target is the runtime inside this process: nobody else can touch its variables.
    alone = not session.sess_str
    return Reach(most_per_run=most_per_run(global_step), alone=alone)


def most_per_run(global_step: Any) -> int | None:
    """Return the most by which a run can advance `global_step`, None when the graph does not tell."""
    if isinstance(global_step, tf.distribute.DistributedValues):  # several variables, each with users of its own
        return None
    total = 0
    for op in _users(global_step):
        added = _added_by(op, global_step)
        if added is None:
            return None
        total += added
    return total or None


def _users(global_step: Any) -> list[tf.Operation]:
    source = getattr(global_step, "handle", None)
    if source is None:
        source = global_step.op.outputs[0]
    return list(source.consumers())


def _added_by(op: tf.Operation, global_step: Any) -> int | None:
    if op.type in _READS or op.type in _SUBTRACTS or op is global_step.initializer or _only_reads(op, global_step):
        return 0
    if op.type in _SETS:
        return 0 if _restores(op.inputs[1].op) else None
    if op.type not in _ADDS:
        return None
    value = tf.get_static_value(op.inputs[1])
    return None if value is None else max(0, int(value))


def _only_reads(op: tf.Operation, global_step: Any) -> bool:
    """Tell whether `op` takes the value of a TensorFlow 1 variable, rather than a reference to write through."""
    by_handle = getattr(global_step, "handle", None) is not None
    return not by_handle and not any(argument.is_ref for argument in op.op_def.input_arg)


def _restores(op: tf.Operation) -> bool:
    """Tell whether a value comes out of a checkpoint: sessions run that before training, not in a step."""
    if op.type in {"Identity", "Reshape", "Cast"}:
        return _restores(op.inputs[0].op)
    return op.type in {"RestoreV2", "RestoreSlice", "Restore"}
