"""The table of layers with kernels."""

import keras

L = keras.layers

# (layer, its input's shape, its parts: number, what the oracle calls the kind, the weight's name)
KINDS = {
    "Conv2D": (L.Conv2D(5, (3, 2)), (9, 9, 7), [("1", "Conv2D", "kernel")]),
    "Conv2D of three slices": (L.Conv2D(5, 3), (9, 9, 3), [("1", "Conv2D", "kernel")]),
    "Conv2D with groups": (L.Conv2D(6, 3, groups=2), (9, 9, 8), [("1", "Conv2D", "kernel")]),
    "Conv2D without bias": (L.Conv2D(3, 3, use_bias=False), (9, 9, 2), [("1", "Conv2D", "kernel")]),
    "Conv2D, frozen": (L.Conv2D(3, 3, trainable=False), (9, 9, 2), [("1", "Conv2D", "kernel")]),
    "one pixel": (L.Conv2D(4, 1), (9, 9, 6), [("1", "Conv2D", "kernel")]),
    "Conv2DTranspose": (L.Conv2DTranspose(5, (2, 3)), (9, 9, 6), [("1", "Conv2DTranspose", "kernel")]),
    "DepthwiseConv2D": (
        L.DepthwiseConv2D((3, 2), depth_multiplier=2),
        (9, 9, 4),
        [("1", "DepthwiseConv2D", "kernel")],
    ),
    "SeparableConv2D": (
        L.SeparableConv2D(5, 3, depth_multiplier=2),
        (9, 9, 3),
        [("1-1", "DepthwiseConv2D", "depthwise_kernel"), ("1-2", "Conv2D", "pointwise_kernel")],
    ),
    "Conv1D": (L.Conv1D(5, 4), (9, 6), [("1", "Conv1D", "kernel")]),
    "Conv1DTranspose": (L.Conv1DTranspose(5, 4), (9, 6), [("1", "Conv1DTranspose", "kernel")]),
    "DepthwiseConv1D": (
        L.DepthwiseConv1D(4, depth_multiplier=2),
        (9, 3),
        [("1", "DepthwiseConv1D", "kernel")],
    ),
    "SeparableConv1D": (
        L.SeparableConv1D(5, 3),
        (9, 4),
        [("1-1", "DepthwiseConv1D", "depthwise_kernel"), ("1-2", "Conv1D", "pointwise_kernel")],
    ),
    "Conv3D": (L.Conv3D(4, (2, 3, 3)), (5, 5, 5, 3), [("1", "Conv3D", "kernel")]),
    "Conv3DTranspose": (L.Conv3DTranspose(4, (3, 2, 2)), (5, 5, 5, 2), [("1", "Conv3DTranspose", "kernel")]),
    "ConvLSTM1D": (
        L.ConvLSTM1D(2, 3),
        (4, 9, 5),
        [("1-1", "Conv1D", "kernel"), ("1-2", "Conv1D", "recurrent_kernel")],
    ),
    "ConvLSTM2D": (
        L.ConvLSTM2D(3, 3),
        (4, 7, 7, 2),
        [("1-1", "Conv2D", "kernel"), ("1-2", "Conv2D", "recurrent_kernel")],
    ),
    "ConvLSTM3D": (
        L.ConvLSTM3D(2, 2),
        (3, 5, 5, 5, 2),
        [("1-1", "Conv3D", "kernel"), ("1-2", "Conv3D", "recurrent_kernel")],
    ),
}  # fmt: skip

# Number of kernels by the oracle's kind, from the shape of the weight.
COUNT = {
    "Conv1D": lambda shape: shape[-1],
    "Conv2D": lambda shape: shape[-1],
    "Conv3D": lambda shape: shape[-1],
    "Conv1DTranspose": lambda shape: shape[-2],
    "Conv2DTranspose": lambda shape: shape[-2],
    "Conv3DTranspose": lambda shape: shape[-2],
    "DepthwiseConv1D": lambda shape: shape[-1] * shape[-2],
    "DepthwiseConv2D": lambda shape: shape[-1] * shape[-2],
}
