"""Numbers that a node of a tf.data pipeline has put into its saved state.

The values of one variant are compressed together: its only tensor is a variant that holds a
CompressedElement, which is a snappy block of all values, one after the other, and the size of each.

Sources: `tensor.proto` (TensorProto, VariantTensorDataProto), `dataset.proto` (CompressedElement) and
`compression_utils.cc` in TensorFlow.
"""

from __future__ import annotations

from observed_hooks.checkpoints import snappy
from observed_hooks.checkpoints.wire import Span

DELIMITER = b"@@"
"""Stands between the name and the keys in the metadata of a variant."""

_INT64_BYTES = 8
_COMPRESSED = b"tensorflow.data.CompressedElement"
# Field numbers, each in the message that the names of the functions below say.
_TYPE_NAME, _METADATA, _TENSORS = 1, 2, 3
_VARIANT_VAL = 15
_DATA, _COMPONENTS = 1, 2
_UNCOMPRESSED_BYTES = 4


def counter(variant: Span, key: bytes) -> int | None:
    """Return the integer saved under `key`; None when there is none, or it is stored in an unknown way.

    Raises:
        CheckpointFormatError: the variant is damaged.
    """
    metadata = _field(variant, _METADATA)
    element = _compressed_element(variant)
    keys = metadata.data.split(DELIMITER)[1:] if metadata else []
    if element is None or key not in keys:
        return None
    return _value(element, keys.index(key))


def _compressed_element(variant: Span) -> Span | None:
    tensor = _field(variant, _TENSORS)
    inner = _field(tensor, _VARIANT_VAL) if tensor else None
    type_name = _field(inner, _TYPE_NAME) if inner else None
    if inner is None or type_name is None or type_name.data != _COMPRESSED:
        return None
    return _field(inner, _METADATA)


def _value(element: Span, index: int) -> int | None:
    """Return the value of one component of a CompressedElement, which has the size of an int64."""
    block = _field(element, _DATA)
    fields = element.message()
    sizes = [_size(element.nested(at, value)) for number, at, value in fields if number == _COMPONENTS]
    if block is None or index >= len(sizes) or sizes[index] != _INT64_BYTES:
        return None
    start = sum(sizes[:index])
    value = snappy.decompress(block)[start : start + _INT64_BYTES]
    return int.from_bytes(value, "little", signed=True) if len(value) == _INT64_BYTES else None


def _size(component: Span) -> int:
    """Return the bytes of a CompressedComponentMetadata's value: the sum of a packed repeated field."""
    packed = _field(component, _UNCOMPRESSED_BYTES)
    position = total = 0
    while packed and position < len(packed.data):
        size, position = packed.varint(position, "the size of a value")
        total += size
    return total


def _field(message: Span, wanted: int) -> Span | None:
    """Return the first field of that number, which is not a number itself."""
    fields = (message.nested(at, value) for number, at, value in message.message() if number == wanted)
    return next(fields, None)
