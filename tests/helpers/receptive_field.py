"""Layers' receptive fields by the recursion of papers, over the graph of a functional model.

Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016; Araujo, Norris and
Sim, "Computing receptive fields of convolutional neural networks", Distill 2019. Of a layer with
kernels of side k and stride s, behind one whose field has the size r and the jump j: the size is
r + (k - 1) j, the jump j s, and p pixels of padding let it begin p j earlier. Where branches meet
it reaches as far as theirs do. Independent of the package: no value is computed.
"""

from typing import NamedTuple

import keras


class Seen(NamedTuple):
    """Along a side, what the values of a layer's map see of a picture, padding included.

    Attributes:
        size: Of the field.
        jump: From one value's field to the next one's.
        start: Where the first value's field begins, negative in what is padded.
        length: Of the map.
    """

    size: int
    jump: int
    start: int
    length: int

    def of(self, position):
        """Where the field of one value begins."""
        return self.start + self.jump * position


def fields(model, side):
    """By name, what each layer of a model sees of square pictures; also layers of those inside it."""
    by_tensor, by_name = {id(model.inputs[0]): Seen(1, 1, 0, side)}, {}
    for operation in model.operations:
        (node,) = [one for one in operation._inbound_nodes if one.outputs[0] is operation.output]
        if not node.input_tensors:
            continue
        seen = _met([by_tensor[id(one)] for one in node.input_tensors])
        for layer in getattr(operation, "layers", [operation]):
            seen = by_name[layer.name] = _behind(layer, seen)
        by_tensor[id(operation.output)] = by_name[operation.name] = seen
    return by_name


def _behind(layer, seen):
    if isinstance(layer, keras.layers.ZeroPadding2D):
        (before, after), other = layer.padding
        assert (before, after) == other
        return _padded(seen, before, after)
    # Both sides are alike, and nothing else sees more than one place of the maps before it.
    across = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if across is None:
        return seen
    (kernel,), (stride,) = set(across), set(layer.strides)
    assert set(getattr(layer, "dilation_rate", (1, 1))) == {1}
    if layer.padding == "same":
        # As TensorFlow pads: what is odd, at the end.
        more = max((-(-seen.length // stride) - 1) * stride + kernel - seen.length, 0)
        seen = _padded(seen, more // 2, more - more // 2)
    return Seen(
        size=seen.size + (kernel - 1) * seen.jump,
        jump=seen.jump * stride,
        start=seen.start,
        length=(seen.length - kernel) // stride + 1,
    )


def _padded(seen, before, after):
    start, length = seen.start - before * seen.jump, seen.length + before + after
    return seen._replace(start=start, length=length)


def _met(branches):
    (jump,), (length,) = {one.jump for one in branches}, {one.length for one in branches}
    start = min(one.start for one in branches)
    return Seen(max(one.start + one.size for one in branches) - start, jump, start, length)
