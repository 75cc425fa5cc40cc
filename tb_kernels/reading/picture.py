"""One logged picture: its bytes, its pixels, the weights it stands for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from tb_kernels.errors import DamagedError, LogError
from tb_kernels.reading.captions import caption_of
from tb_kernels.reading.catalog import Catalog, Span
from tb_kernels.reading.decoding import decode, measure
from tb_kernels.reading.gathering import FileFacts
from tb_kernels.reading.indexes import IndexCache
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.legends import Legend, legend_of, place_of
from tb_kernels.reading.makers import Input, inputs_of
from tb_kernels.reading.notes import ExplainedClass, notes_in
from tb_kernels.schema.index import LayerEntry, axes_of
from tb_kernels.schema.naming import GRADIENTS, KERNELS, SHEET, Address, epoch_of, picture_path
from tb_kernels.schema.training import LayerFacts, layers_in


class Picture:
    """A picture of a log. In a notebook it shows itself."""

    # Plain, since a log has tens of thousands of them.
    __slots__ = ("_catalog", "_indexes", "_layer", "_row")

    def __init__(
        self, row: tuple[int, ...], layer: LoggedLayer, catalog: Catalog, indexes: IndexCache
    ) -> None:
        self._row = row
        self._layer = layer
        self._catalog = catalog
        self._indexes = indexes

    @property
    def run(self) -> str:
        """The training's directory below the log directory; `"."` for this itself."""
        return self._layer.run

    @property
    def view(self) -> str:
        """What it shows: `"kernels"`, `"activations"`, ..."""
        return self._layer.view

    @property
    def address(self) -> Address:
        """`<layer>_<kernel>_<epoch>`."""
        return Address(self._layer.number, self._row[1], epoch_of(self._row[2]))

    @property
    def width(self) -> int:
        """In pixels."""
        return self._row[6]

    @property
    def height(self) -> int:
        """In pixels."""
        return self._row[7]

    @property
    def file_size(self) -> int:
        """Bytes of its PNG."""
        return self._row[5]

    @property
    def group(self) -> str:
        """What stands before the address in file and tag, `"1-conv2d"`; empty for nothing."""
        return self._layer.group

    @property
    def tag(self) -> str:
        """Its tag in TensorBoard, which is its file's path inside the view without `.png`."""
        return picture_path(self.address, self._layer.group)

    @property
    def layer_name(self) -> str:
        """The layer's name in the model."""
        return self._layer.name

    @property
    def png(self) -> bytes:
        """The PNG file that was logged, byte for byte.

        Raises:
            LogError: If the event file can no longer be read, or the picture is damaged:
                `Log.verified` has what is not.
        """
        with self._named():
            data = self._catalog.read(Span(*self._row[3:6]))
            checksum = self._row[9]
            intact = not checksum or google_crc32c.value(data) == checksum
            if not intact or measure(data) != (self.width, self.height):
                raise DamagedError("damaged in the event file")
            return data

    @property
    def entry(self) -> LayerEntry:
        """What the index says of it and of those of its layer beside it.

        Raises:
            LogError: If the log has no index of it.
        """
        layer = self._layer
        return self._indexes.entry(self._row[8], layer.folder, layer.group, self.address)

    @property
    def legend(self) -> Legend:
        """How it is to be read.

        Raises:
            LogError: If the log has no index of it.
        """
        return legend_of(self.entry, self.address.kernel)

    @property
    def caption(self) -> str:
        """What it means, in a short line without its address: `"kernel 6 of 32"`.

        Of a heatmap `"input 2: seven, score 9.31"`, without names `"input 2: class 7, score 9.31"`,
        the score before softmax or sigmoid. Patterns, expanded kernels and examples have their
        excitation, linearity and values behind it. What the log does not tell is left out.
        """
        return caption_of(self.view, self.address.kernel, self._entry_or_none)

    @property
    def explains(self) -> ExplainedClass | None:
        """The class that a heatmap explains, `number` and `name`; None if there is none."""
        entry, kernel = self._entry_or_none, self.address.kernel
        if entry is None or kernel == SHEET:
            return None
        return notes_in(entry).explains(place_of(entry["drawn"], kernel))

    def pixels(self) -> NDArray[np.uint8]:
        """The picture.

        Returns:
            Shape (height, width) if it is grey, (height, width, 3) in red, green and blue
            otherwise.

        Raises:
            LogError: If it cannot be read or decoded.
        """
        png = self.png
        with self._named():
            return decode(png)

    def weights(self) -> NDArray[np.float64]:
        """What the picture stands for: weights, feature maps, gradients, patterns or inputs.

        Each is right to within half a level, `(high - low) / 510`, where the scale of the
        picture did not clip it; in a colour map with neighbours of equal colour to within
        a whole one.

        Returns:
            Shape (slices, height, width); of 3-D kernels (input channels, depth, height,
            width); of examples (channels, examples and their mean, height, width), where white
            outside of an input reads as white; of a sheet with an axis of kernels in front.
            NaN where the weight was not finite.

        Raises:
            LogError: If the log has no index of it, or it is a heatmap over its input.
        """
        pixels = self.pixels()
        with self._named():
            return self.legend.weights(pixels)

    def tiles(self) -> NDArray[np.uint8]:
        """The squares of the picture, a pixel for each: its slices, as they were drawn.

        Returns:
            Shape (tiles, height, width, channels), one channel if it is grey.

        Raises:
            LogError: If the log has no index of it.
        """
        pixels = self.pixels()
        with self._named():
            return self.legend.tiles(pixels)

    def inputs(self) -> list[Input]:
        """What each slice of a kernel is multiplied by.

        Returns:
            For each slice, in their order, the number of the input channel, and the filters that
            make it: their layers' numbers and their own. An addition has several makers, the
            picture's channels have none, nor have those of which the log does not tell.

        Raises:
            LogError: If the log has no index of it, or it is not of a whole kernel.
        """
        entry, kernel = self.entry, self.address.kernel
        if self.view not in (KERNELS, GRADIENTS) or entry["pictures"] != "kernels":
            raise LogError(f"{self.view}/{self.tag}: expected the picture of a whole kernel")
        return inputs_of(self._layers, self.address.layer, axes_of(entry), kernel)

    def is_beside(self, other: Picture) -> bool:
        """Whether both are of one training, or of models of which the log tells the same layers.

        Two views of a directory may show two models under the same numbers.

        Raises:
            LogError: If the event file can no longer be read.
        """
        one, two = (picture._file.training.identifier for picture in (self, other))
        return one == two or _alike(self._layers, other._layers)

    def size_at(self, scale: int | None = None, columns: int | None = None) -> tuple[int, int]:
        """Height and width that `redraw` gives, without looking at the picture.

        Raises:
            LogError: If the log has no index of it, or one that does not fit.
        """
        if scale is None and columns is None:
            return self.height, self.width
        with self._named():
            legend = self.legend
            legend.check_size(self.height, self.width)
            return legend.layout_at(scale, columns).size

    def redraw(self, scale: int | None = None, columns: int | None = None) -> NDArray[np.uint8]:
        """The picture with larger or smaller squares, or rows of another length.

        Args:
            scale: Pixels along the side of a weight; None for as it was logged.
            columns: Slices in a row, of two-dimensional kernels; None for as logged.

        Returns:
            As `pixels`.

        Raises:
            LogError: If it cannot be read or decoded, the log has no index of it, or it
                would be too large.
        """
        pixels = self.pixels()
        if scale is None and columns is None:
            return pixels
        with self._named():
            return self.legend.redraw(pixels, scale, columns)

    @property
    def _file(self) -> FileFacts:
        """What its event file says of itself."""
        return self._catalog.found.files[self._row[3]]

    @property
    def _layers(self) -> list[LayerFacts]:
        """Those of the model; empty if the log does not say."""
        span = self._file.layers
        return layers_in(self._catalog.read(Span(self._row[3], *span))) if span else []

    @property
    def _entry_or_none(self) -> LayerEntry | None:
        try:
            return self.entry
        except LogError:
            return None

    def __repr__(self) -> str:
        return f"<Picture {self.tag} of {self.view}, run {self.run!r}>"

    def _repr_png_(self) -> bytes:
        return self.png

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Errors say of which picture they are."""
        try:
            yield
        except LogError as error:
            raise type(error)(f"{self.view}/{self.tag}: {error}") from None


def _alike(layers: list[LayerFacts], others: list[LayerFacts]) -> bool:
    """Whether they are those of one network, whatever Keras called them."""
    one, other = ([{**layer, "name": ""} for layer in told] for told in (layers, others))
    return one == other
