"""The logger of patterns."""

from __future__ import annotations

import os
from collections.abc import Iterable

import keras

from tb_kernels.drawing.levels import Normalize
from tb_kernels.drawing.style import Style
from tb_kernels.loggers.base import Logger
from tb_kernels.model.canvas import Size
from tb_kernels.schema.naming import PATTERNS
from tb_kernels.views.ascent import Method, check_method
from tb_kernels.views.patterns import PatternView
from tb_kernels.views.view import USUAL_KERNELS
from tb_kernels.writing.disk import PATIENCE


class PatternLogger(Logger):
    """Draws what kernels look for, at the end of the epochs you choose.

    The picture `<layer>_<kernel>_<epoch>` is an input, made by gradient ascent, that
    excites the kernel: the file `<log_dir>/patterns/3-conv2d/3_6_10.png` and an image in
    TensorBoard. Training waits for the ascent, since it needs the model; see
    `synthesize_patterns` for the methods. The noise it starts from is the same at every
    epoch, so that what differs between epochs is what was learned.

    A picture's description tells the excitation: the mean of the kernel's feature map when the
    model is given the pattern as it is shown, 0 to 1 standing for `input_range`. A kernel that
    nothing excites is drawn uniformly grey, and told in a line when it is first met.

    Keywords that are not listed here are those of `KernelLogger`.

    Args:
        log_dir: The directory that `tensorboard --logdir` is given; made if missing.
        epochs: Which epochs.
        layers: Names or numbers of layers. Default: the last convolution, on the way to the
            output, with a kernel larger than one pixel; the last of all where none is. The
            line at the start of training says which.
        kernels: Kernel numbers, from 1; a layer without that number is passed over.
            Default: 1 to 16.
        steps: As in `synthesize_patterns`.
        method: Likewise.
        input_range: Likewise.
        size: Likewise.
        seed: Likewise.
        normalize: What black and white stand for, of patterns in 0 to 1.
        colormap: `"rgb"`, which draws patterns of three channels in colour and others in
            grey, or as for kernels.
        columns: Channels in a row, where each is drawn by itself.
        scale: Pixels along the side of a pattern's pixel.
        group: Whether files and tags have the layer's group in front.
        sheets: Whether the patterns of a layer are also drawn on one sheet, `3_0_10`.
        strict: Whether a failed write raises.
        patience: Seconds after which a disk that takes nothing is taken to hang.

    Raises:
        ArgumentError: If an argument is not valid, or the model cannot be cut off at one
            of the layers.
    """

    view = PATTERNS

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        *,
        epochs: Iterable[int | str] | str | None = None,
        layers: Iterable[int | str] | int | str | None = None,
        kernels: Iterable[int] | int | None = None,
        steps: int | None = None,
        method: Method = "ascent",
        input_range: tuple[float, float] = (0, 1),
        size: Size | None = None,
        seed: int = 0,
        normalize: Normalize = (0, 1),
        colormap: str = "rgb",
        columns: int | None = None,
        scale: int | None = None,
        group: bool = True,
        sheets: bool = False,
        strict: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        kernels = range(1, USUAL_KERNELS + 1) if kernels is None else kernels
        style = Style.checked(layers, kernels, normalize, colormap, columns, scale, group, sheets)
        super().__init__(log_dir, epochs=epochs, style=style, strict=strict, patience=patience)
        self._how = check_method(steps, method, input_range, size, seed)

    def _look_at(self, model: keras.Model) -> PatternView:
        return PatternView(model, self._style, self._how)
