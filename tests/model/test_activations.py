"""What an activation is."""

import keras
import numpy as np
import pytest

from tb_kernels.model.activations import Activations

L = keras.layers


@keras.saving.register_keras_serializable()
class Product(L.Layer):
    """Of two tensors one of the same shape, without weights."""

    def call(self, one, other):
        return one * other


@pytest.mark.parametrize("first", [L.ReLU(), L.Conv2D(3, 1)])
def test_a_layer_of_two_tensors_is_no_activation(first):
    """Though its output has their shape; nor does it hand on the activation before it."""
    inputs = keras.Input((4, 4, 2))
    before = first(L.Conv2D(3, 3)(inputs))
    product = Product()
    model = keras.Model(inputs, [before, product(before, before)])
    activations = Activations(model)
    with activations.noted():
        made, outputs = model(np.ones((1, 4, 4, 2), "float32"))
    assert activations.behind(outputs, product, product.call, (made, made)) is None
    found = activations.behind(made, first, first.call, (made,))
    assert (found is not None) == isinstance(first, L.ReLU)


@pytest.mark.parametrize(("layer", "hands_on"), [(L.MaxPooling2D(), True), (L.BatchNormalization(), True), (L.Conv2D(3, 1), False)])  # fmt: skip
def test_what_hands_on_the_activation_before_it(layer, hands_on):
    """What has no kernel of its own."""
    inputs = keras.Input((4, 4, 2))
    before = L.ReLU()(L.Conv2D(3, 3)(inputs))
    model = keras.Model(inputs, [before, layer(before)])
    activations = Activations(model)
    with activations.noted():
        made, outputs = model(np.ones((1, 4, 4, 2), "float32"))
    assert (activations.behind(outputs, layer, layer.call, (made,)) is not None) == hands_on
