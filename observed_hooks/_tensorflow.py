"""The one place that reaches TensorFlow's private names; a test runs each on every supported TensorFlow.

TensorFlow keeps no promise about these, so whatever breaks with a new release breaks here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.client import session as session_lib
from tensorflow.python.data.ops import iterator_ops
from tensorflow.python.framework import function_def_to_graph
from tensorflow.python.training import saver as saver_lib

ITERATORS_COLLECTION: str = iterator_ops.GLOBAL_ITERATORS


def iterator_resources() -> list[tf.Tensor]:
    """Return the resource tensors of the iterators in the default graph's "iterators" collection, in order."""
    return list(tf.compat.v1.get_collection(ITERATORS_COLLECTION))


def iterator_saveables(resources: Sequence[tf.Tensor], external_state_policy: str) -> list[Any]:
    """Return what a `Saver` needs to save the iterators; adds a SerializeIterator op for each to the graph.

    Each is named after its tensor, as in TensorFlow's own hook, so that checkpoints of either restore in the other.
    `tf.data.experimental.make_saveable_from_iterator` makes the same objects, but only from iterators, and the
    collection holds their resources.

    Args:
        resources: scalar resource tensors of the iterators.
        external_state_policy: `warn`, `ignore` or `fail`.
    """
    policy = tf.data.experimental.ExternalStatePolicy[external_state_policy.upper()]
    return [
        iterator_ops._IteratorSaveable(resource, resource.name, external_state_policy=policy)  # noqa: SLF001
        for resource in resources
    ]


def iterator_initializers(graph: tf.Graph) -> list[tf.Operation]:
    """Return the MakeIterator ops of `graph`: running them puts every initialisable iterator at its beginning."""
    return [op for op in graph.get_operations() if op.type == "MakeIterator"]


def checkpoint_name(variable: tf.Variable) -> str:
    """Return the name under which a `Saver` stores `variable`; the parts of a partitioned one share a name."""
    part = variable._get_save_slice_info()  # noqa: SLF001
    return str(part.full_name if part else variable.op.name)


def static_bytes(saveable: Any) -> int:
    """Return the bytes that a `SaveableObject` writes, as far as the graph tells; 0 for shapes that are not known."""
    shapes = [(spec.tensor.shape, spec.dtype) for spec in saveable.specs]
    return sum((shape.num_elements() or 0) * dtype.size for shape, dtype in shapes if shape.rank is not None)


class ShardingBuilder(saver_lib.BulkSaverBuilder):
    """Builds a `Saver`'s ops with several shards to a device, and with a staging area before each if asked to.

    With staging, `stage_ops` copy all tensors at one step; the save op then writes the copies, whenever it runs.
    """

    def __init__(self, split: Callable[[list[Any]], list[list[Any]]], *, staged: bool) -> None:
        """Split the saveables of each device by `split`."""
        super().__init__()
        self._split = split
        self._staged = staged
        self.saved_names: set[str] = set()
        self.stage_ops: list[tf.Operation] = []
        self.clear_ops: list[tf.Operation] = []

    def _GroupByDevices(self, saveables: list[Any]) -> list[tuple[str, list[Any]]]:  # noqa: N802 - TensorFlow's name
        self.saved_names = {spec.name for saveable in saveables for spec in saveable.specs}
        per_device = super()._GroupByDevices(saveables)
        return [(device, part) for device, group in per_device for part in self._split(group)]

    def save_op(self, filename_tensor: tf.Tensor, saveables: list[Any]) -> tf.Operation:
        """Add the op that writes `saveables` to one shard."""
        specs = [spec for saveable in saveables for spec in saveable.specs]
        tensors = [spec.tensor for spec in specs]
        return tf.raw_ops.SaveV2(
            prefix=filename_tensor,
            tensor_names=[spec.name for spec in specs],
            shape_and_slices=[spec.slice_spec for spec in specs],
            tensors=self._through_stage(tensors) if self._staged else tensors,
        )

    def _through_stage(self, tensors: list[tf.Tensor]) -> list[tf.Tensor]:
        # A name of its own: savers in one session must not take each other's tensors.
        area = {"shared_name": f"observed_hooks_{uuid.uuid4().hex}"}
        tensors = [_own_buffer(tensor) for tensor in tensors]
        dtypes = [tensor.dtype for tensor in tensors]
        self.stage_ops.append(tf.raw_ops.Stage(values=tensors, **area))
        self.clear_ops.append(tf.raw_ops.StageClear(dtypes=dtypes, **area))
        staged = tf.raw_ops.Unstage(dtypes=dtypes, **area)
        return [tf.ensure_shape(one, tensor.shape) for one, tensor in zip(staged, tensors, strict=True)]


class CallersThread(session_lib.SessionInterface):
    """A session of this process whose runs take place on the thread that calls, for a `Saver` to save through.

    Otherwise they share a pool of threads, one for each core, with every other run of the session: as many SaveV2 ops
    at work leave none to a training step, which then stands still until a shard is written.
    """

    def __init__(self, session: tf.compat.v1.Session) -> None:
        """Run in `session`."""
        self._session = session

    @property
    def graph(self) -> tf.Graph:
        """The session's graph."""
        return self._session.graph

    @property
    def sess_str(self) -> Any:
        """The session's target."""
        return self._session.sess_str

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Run as the session does; `options` are kept but for the thread."""
        here = tf.compat.v1.RunOptions(inter_op_thread_pool=-1)
        if options is not None:
            here.MergeFrom(options)
            here.inter_op_thread_pool = -1
        return self._session.run(fetches, feed_dict, here, run_metadata)


def _own_buffer(tensor: tf.Tensor) -> tf.Tensor:
    """Return `tensor` such that no later assignment shows in it.

    Reading a resource variable is safe: an assignment copies a buffer that somebody else holds. The variables of
    TensorFlow 1 are assigned in place, so what is read from them is copied at once.
    """
    if not tensor.dtype._is_ref_dtype:  # noqa: SLF001
        return tensor
    return tf.raw_ops.DeepCopy(x=tensor) if tensor.dtype.base_dtype != tf.string else tf.strings.join([tensor, ""])


def model_of(serialized: bytes) -> Any:
    """Return the `ModelProto` that IteratorGetModelProto has handed out: one node for each running iterator."""
    from tensorflow.core.framework import model_pb2

    return model_pb2.ModelProto.FromString(serialized)


def function_outputs(graph: tf.Graph, name: str) -> list[tf.Tensor]:
    """Return the outputs of a function in the library of `graph`, as tensors of a graph in which they are computed."""
    function = graph._functions[name]  # noqa: SLF001
    body = getattr(function, "graph", None) or function_def_to_graph.function_def_to_graph(function.definition)
    return list(body.outputs)


def resource_of_eager(iterator: Any) -> tf.Tensor:
    """Return the resource of an iterator that `iter(dataset)` made."""
    return iterator._iterator_resource  # noqa: SLF001


def dataset_of_eager(iterator: Any) -> Any:
    """Return the dataset that an iterator made by `iter(dataset)` reads."""
    return iterator._dataset  # noqa: SLF001


def inputs_of_dataset(dataset: Any) -> list[Any]:
    """Return the datasets that `dataset` reads."""
    return list(dataset._inputs())  # noqa: SLF001


def buffer_size_of_dataset(dataset: Any) -> tf.Tensor | None:
    """Return the scalar `buffer_size` that a shuffle or prefetch was given; None for other datasets."""
    return getattr(dataset, "_buffer_size", None)


def function_outputs_of_dataset(dataset: Any) -> list[tf.Tensor]:
    """Return the outputs of the function with which `dataset` opens further datasets; none where it has no such."""
    function = getattr(dataset, "_map_func", None) or getattr(dataset, "_reduce_func", None)
    return list(function.function.graph.outputs) if function is not None else []
