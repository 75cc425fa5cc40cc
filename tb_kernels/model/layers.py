"""Model → its layers: which have kernels, their numbers, and what their axes mean.

Layers are found by what they are, never by their name.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras

from tb_kernels.errors import ArgumentError
from tb_kernels.schema.axes import Axes
from tb_kernels.schema.naming import natural_order

# By class: every kernel weight it has, in weight order, and its axes.
_KINDS: tuple[tuple[Any, tuple[tuple[str, str], ...]], ...] = (
    (keras.layers.Conv1D, (("kernel", "wio"),)),
    (keras.layers.Conv2D, (("kernel", "hwio"),)),
    (keras.layers.Conv3D, (("kernel", "dhwio"),)),
    (keras.layers.Conv1DTranspose, (("kernel", "woi"),)),
    (keras.layers.Conv2DTranspose, (("kernel", "hwoi"),)),
    (keras.layers.Conv3DTranspose, (("kernel", "dhwoi"),)),
    (keras.layers.DepthwiseConv1D, (("kernel", "wim"),)),
    (keras.layers.DepthwiseConv2D, (("kernel", "hwim"),)),
    (keras.layers.SeparableConv1D, (("depthwise_kernel", "wim"), ("pointwise_kernel", "wio"))),
    (keras.layers.SeparableConv2D, (("depthwise_kernel", "hwim"), ("pointwise_kernel", "hwio"))),
    (keras.layers.ConvLSTM1D, (("cell.kernel", "wio"), ("cell.recurrent_kernel", "wio"))),
    (keras.layers.ConvLSTM2D, (("cell.kernel", "hwio"), ("cell.recurrent_kernel", "hwio"))),
    (keras.layers.ConvLSTM3D, (("cell.kernel", "dhwio"), ("cell.recurrent_kernel", "dhwio"))),
)


class Place(NamedTuple):
    """A layer of a model and its number there.

    Attributes:
        number: `"3"`, or `"2-5"` for the fifth layer of the second.
        layer: The layer.
    """

    number: str
    layer: keras.layers.Layer


@dataclass(frozen=True)
class KernelWeight:
    """A kernel weight of a model.

    Attributes:
        number: The layer's number; a layer with two kernel weights has a part of
            its number for each: `"3-1"`, `"3-2"`.
        layer: The layer it belongs to.
        kind: The Keras class that the layer is of, `"Conv2D"`.
        attribute: Where the layer keeps it, `"kernel"`.
        letters: One for each axis: d, h, w (window), i (input channel), o
            (output channel), m (depthwise multiplier).
    """

    number: str
    layer: keras.layers.Layer
    kind: str
    attribute: str
    letters: str

    @property
    def name(self) -> str:
        """The layer's name."""
        return str(self.layer.name)

    @property
    def value(self) -> Any:
        """The kernel as the layer applies it, with what LoRA adds: a Keras tensor or variable."""
        return operator.attrgetter(self.attribute)(self.layer)

    @property
    def axes(self) -> Axes:
        """What the weight's axes are, and how long."""
        return Axes(self.letters, tuple(int(size) for size in self.value.shape))


def check_model(model: Any) -> None:
    """Makes sure that this is a model of Keras 3.

    Raises:
        ArgumentError: If it is not; a model of `tf_keras` is told by name.
    """
    if isinstance(model, keras.Model):
        return
    name = getattr(model, "name", model)
    ancestors = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    if "tf_keras" in ancestors:
        raise ArgumentError(
            f"model: {name!r} is a model of tf_keras, the Keras of TensorFlow up to 2.15; "
            "expected a model of Keras 3: build it with 'import keras', and unset "
            "TF_USE_LEGACY_KERAS where tf.keras is used"
        )
    raise ArgumentError(f"model: expected a keras.Model, got {type(model).__name__}")


def walk(model: keras.Model) -> Iterator[Place]:
    """Every layer of the model once, in the order of their numbers.

    A layer that holds layers comes before these. A layer that is used in several
    places has the number of the first.
    """
    seen = {id(model)}
    for position, layer in enumerate(_layers_in(model), start=1):
        yield from _place(layer, str(position), seen)


def find_kernels(model: keras.Model) -> list[KernelWeight]:
    """Every kernel weight of the model's convolutions, in the order of their numbers.

    Layers that are not built yet have no kernels and are left out.
    """
    return [weight for place in walk(model) if place.layer.built for weight in kernels_of(place)]


def owners(model: keras.Model) -> list[tuple[Place, set[int]]]:
    """Each layer with the ids of the trainable variables that no layer inside it has."""
    places = list(walk(model))
    # A layer comes before those inside it, so the last to claim a variable has it itself.
    owner = {
        id(variable): place for place in places for variable in place.layer.trainable_variables
    }
    return [
        (place, {variable for variable, own in owner.items() if own is place}) for place in places
    ]


def label_of(layer: keras.layers.Layer) -> str:
    """The layer's name in files and tags.

    Keras makes up names of the class and a counter that runs through the whole process. Without
    the counter two trainings of one script have the same names.
    """
    name, made_up = str(layer.name), snake_case(type(layer).__name__)
    return made_up if re.fullmatch(f"{re.escape(made_up)}_[1-9][0-9]*", name) else name


def names_alone(model: keras.Model) -> dict[str, str]:
    """The names that Keras made up in a model → those it makes up where no other model is.

    That is how weights are called in a process that builds one model; so two trainings of one
    script have the same names.
    """
    made_up: dict[str, set[str]] = {}
    for layer in (model, *(layer for _, layer in walk(model))):
        if label_of(layer) == snake_case(type(layer).__name__):
            made_up.setdefault(label_of(layer), set()).add(layer.name)
    return {
        name: f"{label}_{place}" if place else label
        for label, names in made_up.items()
        for place, name in enumerate(sorted(names, key=natural_order))
    }


def architecture(model: keras.Model) -> tuple[Any, ...]:
    """What two models have in common of which one can stand in for the other, as a copy does."""
    return tuple(
        (number, label_of(layer), *(tuple(weight.shape) for weight in layer.weights))
        for number, layer in walk(model)
    )


def has_call(model: keras.Model) -> bool:
    """Whether the model can be called: a GAN may have nothing but its parts and a train_step."""
    return getattr(model.call, "__func__", None) is not keras.Model.call


def check_call(model: keras.Model) -> None:
    """Makes sure that the model can be called.

    Raises:
        ArgumentError: If its class has no `call`.
    """
    if not has_call(model):
        raise ArgumentError(
            f"model: this view calls the model, and the class of {model.name!r} has no call(); "
            "expected one, or a part of the model that can be called, given to log() "
            "(kernels can be logged of every model)"
        )


def is_built(model: keras.Model) -> bool:
    """Whether the model has its weights: a convolution that it never calls stays without."""
    built = built_convolutions(model)
    # What cannot be called is never built as a whole.
    return bool(model.built or not has_call(model)) and (any(built) or not built)


def built_convolutions(model: keras.Model) -> list[bool]:
    """Of each convolution, whether it has its weights."""
    return [bool(place.layer.built) for place in walk(model) if _kind_of(place.layer)]


def check_built(model: keras.Model) -> None:
    """Makes sure that this is a model of Keras 3 and has its weights.

    Raises:
        ArgumentError: If it is none, or has none yet.
    """
    check_model(model)
    if not is_built(model):
        raise ArgumentError(
            f"model: {model.name!r} is not built, so it has no weights yet; build it, "
            "call it on a batch or train it first"
        )


def kernels_of(place: Place) -> list[KernelWeight]:
    """The kernel weights of one layer: none, if it is no convolution."""
    kind = _kind_of(place.layer)
    if kind is None:
        return []
    class_, weights = kind
    return [
        KernelWeight(number, place.layer, class_.__name__, attribute, letters)
        for number, (attribute, letters) in zip(
            _parts(place.number, len(weights)), weights, strict=True
        )
    ]


def _place(layer: keras.layers.Layer, number: str, seen: set[int]) -> Iterator[Place]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield Place(number, layer)
    inner = _layers_in(layer)
    if isinstance(layer, keras.layers.Wrapper) and len(inner) == 1:
        yield from _place(inner[0], number, seen)
        return
    for position, layer_inside in enumerate(inner, start=1 + _own_parts(layer)):
        yield from _place(layer_inside, f"{number}-{position}", seen)


def _layers_in(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    if isinstance(layer, keras.Model):
        return list(layer.layers)
    # The cell of a ConvLSTM holds the layer's own kernels; it is no layer inside it.
    kind = _kind_of(layer)
    own = layer.cell if kind and kind[1][0][0].startswith("cell.") else None
    # Keras tells the layers of a model in public, those of a layer only here.
    return [
        inner
        for inner in layer._flatten_layers(include_self=False, recursive=False)
        if inner is not own
    ]


def snake_case(name: str) -> str:
    """A class's name as Keras makes names of it, which it has no public function for."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _kind_of(layer: keras.layers.Layer) -> tuple[Any, tuple[tuple[str, str], ...]] | None:
    return next((kind for kind in _KINDS if isinstance(layer, kind[0])), None)


def _own_parts(layer: keras.layers.Layer) -> int:
    kind = _kind_of(layer)
    return len(kind[1]) if kind and len(kind[1]) > 1 else 0


def _parts(number: str, count: int) -> list[str]:
    return [number] if count == 1 else [f"{number}-{part}" for part in range(1, count + 1)]
