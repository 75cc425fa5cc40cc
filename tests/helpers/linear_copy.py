"""A functional model → another, built by Keras of linear layers, with the same weights.

Independent of the package: it clones the graph and puts other layers in.
"""

import keras

L = keras.layers

POOLED = {L.MaxPooling2D: L.AveragePooling2D, L.GlobalMaxPooling2D: L.GlobalAveragePooling2D}
SLOPES = {"gelu": 0.5, "silu": 0.5, "sigmoid": 0.25}


class Times(L.Layer):
    """A factor."""

    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


class Centred(L.Layer):
    """Layer normalization without its deviation."""

    def __init__(self, norm, **options):
        super().__init__(**options)
        self.norm = norm

    def call(self, inputs):
        mean = keras.ops.mean(inputs, -1, keepdims=True)
        return (inputs - mean) * self.norm.gamma


def linear_copy(model, layer, size):
    """The model as far as a layer, every layer of it linear, for pictures of another size."""

    def replace(one):
        config = one.get_config()
        if isinstance(one, keras.Sequential):
            # A layer inside of it is where the copy ends.
            end = one.layers.index(layer) + 1 if layer in one.layers else None
            return keras.Sequential([replace(inside) for inside in one.layers[:end]], name=one.name)
        if type(one) in POOLED:
            return POOLED[type(one)].from_config(config)
        if isinstance(one, L.ReLU):
            return L.Identity(name=one.name)
        if isinstance(one, L.LayerNormalization):
            return Centred(one, name=one.name)
        if isinstance(one, L.Activation):
            return Times(SLOPES.get(config["activation"], 1.0), name=one.name)
        if isinstance(one, L.InputLayer):
            return L.InputLayer((size, size, 3), name=one.name)
        if hasattr(one, "activation"):
            config["activation"] = "linear"
        return one.__class__.from_config(config)

    def fill(copies, owns):
        for one in copies:
            own = owns.get_layer(one.name)
            if isinstance(one, keras.Sequential):
                fill(one.layers, own)
            elif own.weights and one.weights and not isinstance(one, Centred):
                one.set_weights(own.get_weights())

    holder = next(one for one in model.layers if layer in (one, *getattr(one, "layers", ())))
    part = keras.Model(model.input, holder.output)
    copy = keras.models.clone_model(part, clone_function=replace, input_tensors=keras.Input((size, size, 3)))  # fmt: skip
    fill(copy.layers[1:], model)
    return copy
