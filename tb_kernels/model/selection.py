"""Names and numbers of layers → the layers of a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

import keras

from tb_kernels.errors import ArgumentError
from tb_kernels.model.layers import KernelWeight, Place, find_kernels, walk
from tb_kernels.schema.naming import belongs
from tb_kernels.wording import enumerate_some

if TYPE_CHECKING:
    from tb_kernels.model.interior import LayerOutput

_Drawable = TypeVar("_Drawable", KernelWeight, "LayerOutput")


def select_weights(model: keras.Model, layers: Sequence[int | str] | None) -> list[KernelWeight]:
    """The kernel weights of the layers asked for, in the order of their numbers.

    Args:
        model: A model with weights.
        layers: Checked names and numbers; None for every convolution. A layer
            that holds layers stands for all of them.

    Raises:
        ArgumentError: If the model has no convolutions, a layer is not in it, or a
            layer has no kernels.
    """
    weights = find_kernels(model)
    if not weights:
        names = enumerate_some(layer.name for _, layer in walk(model))
        raise ArgumentError(
            f"model: {model.name!r} has no convolution layers; expected at least one, "
            f"such as Conv2D (its layers are {names})"
        )
    return select(model, layers, weights, what="kernels")


def select(
    model: keras.Model,
    layers: Sequence[int | str] | None,
    candidates: Sequence[_Drawable],
    *,
    what: str,
) -> list[_Drawable]:
    """Those of the candidates that belong to the layers asked for, in their order.

    Args:
        model: Where the layers are.
        layers: Checked names and numbers; None for every candidate. A layer that
            holds layers stands for all of them.
        candidates: What can be drawn; at least one.
        what: What layers that can be drawn have, for errors.

    Raises:
        ArgumentError: If a layer is not in the model, or has nothing to be drawn.
    """
    if layers is None:
        return list(candidates)
    places = list(walk(model))
    numbers = {one.number for one in candidates}
    have = enumerate_some(dict.fromkeys(one.name for one in candidates))
    chosen: set[str] = set()
    for wanted in layers:
        # A part of a layer is a candidate, and no layer.
        roots = {place.number for place in _called(places, wanted)} or numbers & {str(wanted)}
        if not roots:
            raise ArgumentError(
                f"layers: no layer {wanted!r} in model {model.name!r}; it has {have}"
            )
        drawn = {number for number in numbers if any(belongs(number, root) for root in roots)}
        if not drawn:
            raise ArgumentError(
                f"layers: layer {wanted!r} of model {model.name!r} has no {what}; "
                f"these have: {have}"
            )
        chosen |= drawn
    return [one for one in candidates if one.number in chosen]


def select_places(model: keras.Model, argument: str, wanted: Iterable[int | str]) -> list[Place]:
    """The layers of these names and numbers, in the order of their numbers, each once.

    Args:
        model: Where they are.
        argument: Its name, for errors.
        wanted: Checked names, each for every layer of that name, and numbers.

    Raises:
        ArgumentError: If one is not in the model.
    """
    places = list(walk(model))
    chosen = set()
    for one in wanted:
        found = _called(places, one)
        if not found:
            raise ArgumentError(
                f"{argument}: no layer {one!r} in model {model.name!r}; it has "
                f"{enumerate_some(dict.fromkeys(place.layer.name for place in places))}"
            )
        chosen |= {id(place.layer) for place in found}
    return [place for place in places if id(place.layer) in chosen]


def select_layer(model: keras.Model, argument: str, wanted: int | str) -> Place:
    """The one layer of this name or number.

    Raises:
        ArgumentError: If there is none, or there are several of that name.
    """
    found = select_places(model, argument, [wanted])
    if len(found) > 1:
        raise ArgumentError(
            f"{argument}: model {model.name!r} has {len(found)} layers named {wanted!r}; "
            f"expected one of their numbers: {enumerate_some(repr(one.number) for one in found)}"
        )
    return found[0]


def select_kernels(
    place: Place, kernels: int, wanted: list[int] | None, usual: int | None = None
) -> list[int]:
    """The numbers of a layer's kernels that are asked for.

    Args:
        place: The layer.
        kernels: How many it has.
        wanted: Checked numbers; None for the first ones.
        usual: How many these are at most; None for all.

    Raises:
        ArgumentError: If it has no such kernel.
    """
    if wanted is None:
        return list(range(1, min(kernels, usual or kernels) + 1))
    if max(wanted) > kernels:
        raise ArgumentError(
            f"kernels: layer {place.layer.name!r} has {kernels} kernels; got {max(wanted)}"
        )
    return wanted


def _called(places: list[Place], wanted: int | str) -> list[Place]:
    """The layers of this name, or the one of this number."""
    # A name first: Keras lets a layer be called '3'.
    named = [place for place in places if place.layer.name == wanted]
    # Of a layer and its wrapper, which share a number, it is the wrapper.
    return named or [place for place in places if place.number == str(wanted)][:1]
