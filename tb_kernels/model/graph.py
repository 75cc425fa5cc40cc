"""Model → what a log tells of its layers, with the filters that make each one's input channels.

The filters are found in the graph of functional and sequential models: through what leaves
channels as they are, such as normalization, activation, pooling and depthwise convolution; a
concatenation shifts their numbers, and what an addition gives has several makers. Behind a layer
of which nobody knows what it does to channels, none is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from tb_kernels.model.forward import functional_of
from tb_kernels.model.layers import kernels_of, walk
from tb_kernels.model.maps import MapAxes
from tb_kernels.schema.training import LayerFacts, Makers

_RANKS = (1, 2, 3)

# By the names of classes, of layers and of operations alike, for newer versions of Keras have
# more of each: what gives every channel of what it is given under the same number.
_THROUGH = frozenset(
    [
        *("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Relu", "Relu6", "LeakyRelu", "Elu"),
        *("Selu", "Celu", "Gelu", "Silu", "Swish", "Mish", "Sigmoid", "HardSigmoid", "HardSilu"),
        *("HardSwish", "Tanh", "HardTanh", "Softplus", "Softsign", "Squareplus", "Abs", "Absolute"),
        *("Negative", "Square", "Sqrt", "Rsqrt", "Exp", "Log", "Clip", "Cast"),
        *("BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization"),
        *("Normalization", "SpectralNormalization", "Rescaling", "Resizing", "Identity"),
        *("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization"),
        # Of Keras' own networks.
        *("LayerScale", "StochasticDepth"),
        *(f"SpatialDropout{rank}D" for rank in _RANKS),
        *(f"{kind}Pooling{rank}D" for rank in _RANKS for kind in ("Max", "Average")),
        *(f"Global{kind}Pooling{rank}D" for rank in _RANKS for kind in ("Max", "Average")),
        *(
            f"{kind}{rank}D"
            for rank in _RANKS
            for kind in ("ZeroPadding", "Cropping", "UpSampling")
        ),
    ]
)
_ADDING = frozenset(
    ["Add", "Subtract", "Average", "Maximum", "Minimum", "CustomScaleLayer", "TrueDivide", "Divide"]
)


# What makes a tensor's channels: of a channel nobody, one, or after an addition several.
_Made = list[Makers]


def layers_in_words(model: keras.Model) -> list[LayerFacts]:
    """What a log tells of every layer of a model, in the order of their numbers."""
    try:
        makers = find_makers(model)
    except Exception:
        # Whatever a stranger's layers do to a graph, it is no reason for a training to end.
        makers = {}
    return [
        LayerFacts(
            number=number,
            name=str(layer.name),
            kind=type(layer).__name__,
            output_shape=_output_shape(layer),
            makers=[list(one) for one in makers.get(number, ())],
        )
        for number, layer in walk(model)
    ]


def find_makers(model: keras.Model) -> dict[str, list[Makers]]:
    """Which filters make the input channels of each convolution.

    Args:
        model: A built model.

    Returns:
        By the convolution's number, the rows of its input channels; of a convolution that is
        called several times, those of the first call. None of channels of the picture, or of
        which nobody knows.
    """
    graph = _Graph(model)
    graph.follow(functional_of(model), [])
    return graph.found


class _Graph:
    def __init__(self, model: keras.Model) -> None:
        places = list(walk(model))
        self._numbers = {id(place.layer): place.number for place in places}
        self._convolutions = {
            id(place.layer): place for place in places if place.layer.built and kernels_of(place)
        }
        self._axes = MapAxes(model)
        self.found: dict[str, list[Makers]] = {}

    def follow(self, functional: Any, given: Sequence[_Made]) -> list[_Made]:
        """What makes the outputs of a functional model, of whose inputs that is given."""
        inputs = functional.inputs if given else ()
        made = {id(tensor): one for tensor, one in zip(inputs, given, strict=True)}
        nodes = getattr(functional, "_nodes_by_depth", {})
        for depth in sorted(nodes, reverse=True):
            for node in nodes[depth]:
                if node.is_input:
                    continue
                inputs = [made.get(id(tensor), []) for tensor in node.input_tensors]
                outputs = self._outputs_of(node, inputs)
                made.update((id(one), new) for one, new in zip(node.outputs, outputs, strict=False))
        return [made.get(id(tensor), []) for tensor in getattr(functional, "outputs", None) or ()]

    def _outputs_of(self, node: Any, inputs: list[_Made]) -> list[_Made]:
        layer = node.operation
        inner = functional_of(layer)
        if getattr(inner, "_nodes_by_depth", None):
            return self.follow(inner, inputs)
        while isinstance(layer, keras.layers.TimeDistributed):
            layer = layer.layer
        kind = type(layer).__name__
        if id(layer) in self._convolutions:
            return [self._convolve(layer, node, inputs)]
        if isinstance(layer, keras.layers.Dense):
            return [self._all(layer, layer.units)]
        if kind in _THROUGH:
            return inputs[:1]
        if kind == "Reshape":
            return inputs if self._is_upright(node) else []
        if kind in _ADDING or kind == "Multiply":
            return [self._join(node, inputs, gates=kind == "Multiply")]
        if kind == "Concatenate":
            return [self._concatenate(layer, node, inputs)]
        return []

    def _convolve(self, layer: Any, node: Any, inputs: list[_Made]) -> _Made:
        made, times = inputs[0], getattr(layer, "depth_multiplier", 1)
        # Where it works in groups of channels, readers conclude from these rows how many there are.
        in_groups = times > 1 or getattr(layer, "groups", 1) > 1
        unclear = in_groups and not _covers(made, self._channels(node.input_tensors[0]))
        self.found.setdefault(self._numbers[id(layer)], [] if unclear else made)
        if isinstance(layer, (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)):
            return _repeated(made, times)
        return self._all(layer, layer.filters)

    def _all(self, layer: Any, filters: int) -> _Made:
        return [Makers(1, filters, self._numbers[id(layer)], 1)]

    def _join(self, node: Any, inputs: list[_Made], *, gates: bool) -> _Made:
        """Channels that several make together; of a product those that are no gates."""
        both = list(zip(node.input_tensors, inputs, strict=True))
        channels = {self._channels(tensor) for tensor, _ in both}
        if gates:
            both = [one for one in both if not self._axes.is_one_place(one[0].shape)] or both
        # What has one channel is added to all of them.
        most = max(channels)
        made = [makers for tensor, one in both if self._channels(tensor) == most for makers in one]
        return list(dict.fromkeys(made))

    def _is_upright(self, node: Any) -> bool:
        """Whether a single place is only given axes of space, or loses them."""
        before, after = node.input_tensors[0], node.outputs[0]
        both = self._axes.is_one_place(before.shape) and self._axes.is_one_place(after.shape)
        return both and self._channels(before) == self._channels(after)

    def _concatenate(self, layer: Any, node: Any, inputs: list[_Made]) -> _Made:
        rank = len(node.outputs[0].shape)
        if layer.axis % rank != self._axis(rank):
            return []
        made: _Made = []
        before = 0
        for tensor, one in zip(node.input_tensors, inputs, strict=True):
            made += [makers._replace(channel=makers.channel + before) for makers in one]
            before += self._channels(tensor)
        return made

    def _channels(self, tensor: Any) -> int:
        shape = tensor.shape
        return int(shape[self._axis(len(shape))] or 0) if len(shape) > 1 else 1

    def _axis(self, rank: int) -> int:
        return 1 if self._axes.usually_first else rank - 1


def _covers(made: _Made, channels: int) -> bool:
    """Whether somebody makes each of so many channels."""
    told = {channel for one in made for channel in range(one.channel, one.channel + one.length)}
    return len(told) == channels


def _repeated(made: _Made, times: int) -> _Made:
    """Each channel so many times, side by side."""
    if times == 1:
        return made
    return [
        Makers(times * (one.channel + place - 1) + again + 1, 1, one.layer, one.filter + place)
        for one in made
        for place in range(one.length)
        for again in range(times)
    ]


def _output_shape(layer: keras.layers.Layer) -> list[int | None] | None:
    try:
        return [None if size is None else int(size) for size in layer.output.shape]
    except (AttributeError, ValueError, TypeError):
        # Never called with symbols, called several times, or with several outputs.
        return None
