"""What was logged, read back: `Log`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_layers
from tb_kernels.errors import DamagedError, LogError, warn
from tb_kernels.reading.arrays import Arrays
from tb_kernels.reading.catalog import Catalog, read_catalog, split_by_layer
from tb_kernels.reading.choice import Choice
from tb_kernels.reading.criteria import Epochs
from tb_kernels.reading.curves import Curve, find_curves
from tb_kernels.reading.health import STILL_BELOW, ZERO_BELOW, LayerHealth, check_health
from tb_kernels.reading.indexes import IndexCache
from tb_kernels.reading.layers import LoggedLayer, layers_of
from tb_kernels.reading.lookup import Asked
from tb_kernels.reading.picture import Picture
from tb_kernels.reading.ranking import Ranked, rank_layers
from tb_kernels.reading.rows import place_of, versions_of
from tb_kernels.reading.sources import Tell
from tb_kernels.reading.stored import find_arrays, find_stored
from tb_kernels.reading.trainings import LoggedTraining, trainings_of
from tb_kernels.reading.verifying import rows_again, verify
from tb_kernels.reading.weights import LayerWeights, choose_layer, weights_of
from tb_kernels.schema.naming import KERNELS, SHEET, Address, epoch_of
from tb_kernels.wording import count, enumerate_some, ranges, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Rows of the catalog that are taken at a time.
_AT_A_TIME = 4096

_Told = TypeVar("_Told")


class Log:
    """The pictures of a log directory, or some of them: iterate, ask, select.

    Pictures come in the order of runs, views, layers, kernels and epochs.
    """

    def __init__(
        self,
        catalog: Catalog,
        indexes: IndexCache,
        layers: dict[int, LoggedLayer],
        rows: NDArray[np.void],
        *,
        narrowed: bool = False,
    ) -> None:
        self._catalog = catalog
        self._indexes = indexes
        # By the number that stands in the rows, in the order shown.
        self._layers = layers
        self._rows = rows
        self._narrowed = narrowed

    @classmethod
    def of(cls, catalog: Catalog, tell: Tell) -> Log:
        """All of a catalog; indexes that are wrong are told to somebody, a line at a time."""
        return cls(catalog, IndexCache(catalog, tell), layers_of(catalog), catalog.rows)

    @property
    def where(self) -> str:
        """The log directory, as it was given."""
        return self._catalog.source.where

    @property
    def title(self) -> str:
        """The log directory's own name."""
        return self._catalog.source.title

    @property
    def runs(self) -> list[str]:
        """The trainings, by their directories below the log directory."""
        return list(dict.fromkeys(layer.run for layer in self.layers))

    @property
    def views(self) -> list[str]:
        """What the pictures show: `"kernels"`, `"activations"`, ..."""
        return list(dict.fromkeys(layer.view for layer in self.layers))

    @property
    def epochs(self) -> list[int]:
        """The epochs that have pictures, ascending; last the one that reads `final`, if there."""
        return [epoch_of(number) for number in np.unique(self._rows["epoch"]).tolist()]

    @property
    def layers(self) -> list[LoggedLayer]:
        """Each layer of each view and run, and what there is of it."""
        return [
            replace(self._layers[int(rows["layer"][0])], rows=rows)
            for rows in split_by_layer(self._rows)
        ]

    @property
    def trainings(self) -> list[LoggedTraining]:
        """The trainings in the runs that are here, as they began to write; also superseded ones."""
        runs = set(self.runs)
        found = trainings_of(self._catalog, self._opened)
        return [training for training in found if training.run in runs]

    @cached_property
    def whole(self) -> Log:
        """The log that this is a selection of."""
        return self._of(self._catalog.rows) if self._selected or self.narrowed else self

    @property
    def narrowed(self) -> bool:
        """Whether layers or kernels were chosen, though it be all that there are."""
        return self._narrowed

    @property
    def superseded(self) -> int:
        """How many pictures are not here because a newer training of their run began anew."""
        folders = {layer.folder for layer in self.layers}
        return sum(self._catalog.shown.superseded[folder] for folder in folders)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Picture]:
        return self._pictures(self._rows)

    @property
    def strip_count(self) -> int:
        """How many strips there are."""
        return len(np.unique(self._rows[["layer", "kernel"]]))

    def strips(self) -> Iterator[list[Picture]]:
        """The pictures of each kernel, in the order of epochs."""
        for _, pictures in groupby(
            self, key=lambda one: (one.run, one.view, one.group, *one.address[:2])
        ):
            yield list(pictures)

    def strips_of(self, layer: LoggedLayer) -> list[list[Picture]]:
        """The strips of one layer."""
        pictures = self._pictures(self._rows_of(layer))
        return [list(strip) for _, strip in groupby(pictures, key=lambda one: one.address.kernel)]

    def in_all_views(self, picture: Picture) -> list[list[Picture]]:
        """The strips of the picture's address, one for each view of its run and its model."""
        layer, kernel, _ = picture.address
        alike = [rows for one, rows in self._numbered(layer) if one.run == picture.run]
        found = [rows[rows["kernel"] == kernel] for rows in alike]
        strips = [list(self._pictures(rows)) for rows in found if len(rows)]
        return [strip for strip in strips if strip[-1].is_beside(picture)]

    def of_layer(self, layer: LoggedLayer, epoch: int) -> list[Picture]:
        """The pictures of a layer at an epoch, in the order of kernels."""
        rows = self._rows_of(layer)
        return list(self._pictures(rows[rows["epoch"] == epoch]))

    def holds(self, other: Log) -> bool:
        """Whether all pictures of another log of this log directory are here, as they are there."""
        here, there = (place_of(log._rows) for log in (self, other))
        return bool(np.isin(there, here).all())

    def versions(self, layer: LoggedLayer, epoch: int | None = None) -> list[str]:
        """Of each epoch of a layer, ascending, what is another as soon as its pictures are.

        Args:
            layer: The layer.
            epoch: Only this one.
        """
        rows = self._rows_of(layer)
        rows = rows if epoch is None else rows[rows["epoch"] == epoch]
        return versions_of(rows, self._catalog.name_of)

    def drawn_together(self, layer: LoggedLayer) -> Iterator[Picture]:
        """One picture of a layer for each index: those that were drawn and written at once."""
        rows = self._rows_of(layer)
        alone = rows["kernel"] != SHEET
        # A sheet counts at epochs that have nothing else.
        rows = rows[alone | ~np.isin(rows["epoch"], rows["epoch"][alone])]
        _, places = np.unique(rows["index"], return_index=True)
        return self._pictures(rows[places])

    def select(
        self,
        *,
        runs: Iterable[str] | str | None = None,
        views: Iterable[str] | str | None = None,
        layers: Iterable[int | str] | int | str | None = None,
        kernels: Iterable[int | str] | int | None = None,
        epochs: Iterable[int | str] | int | str | None = None,
    ) -> Log:
        """Some of the pictures, as a log of their own.

        Args:
            runs: Names of runs.
            views: Names of views.
            layers: Names or numbers, `"conv2d"`, `3`, `"2-5"`; a layer that holds layers
                stands for all of them.
            kernels: Kernel numbers, 0 for sheets; or texts such as `"3_2"`, kernel 2 of
                layer 3. A layer without that number is passed over.
            epochs: Numbers of epochs; `"last"`, the last of each run and view; `"final"`, as
                training left the model.

        Raises:
            ArgumentError: If one of these is not in the log; it says what is.
        """
        choice = Choice(runs, views, layers, kernels, epochs)
        chosen = choice.among(self._rows, self._layers, self.where)
        narrowed = self._narrowed or layers is not None or kernels is not None
        # Of a long log all of it is not copied; by their places rows are copied quickest.
        rows = self._rows if chosen.all() else self._rows.take(np.flatnonzero(chosen))
        return self._of(rows, narrowed=narrowed)

    def picture(
        self, address: Address | str, *, view: str | None = None, run: str | None = None
    ) -> Picture:
        """One picture.

        Args:
            address: `"1_6_10"`, kernel 6 of layer 1 after epoch 10; or its tag in TensorBoard,
                `"1-conv2d/1_6_10"`, or its file's path below the log directory,
                `"kernels/1-conv2d/1_6_10.png"`.
            view: What it shows, if the address does not say it. Default: `"kernels"`.
            run: Which training; it may be left out where only one has it.

        Raises:
            ArgumentError: If there is none, or more than one.
        """
        asked = Asked.of(address, view, run)
        here = self._at(asked.address)
        fitting = [picture for picture in here if asked.fits(picture)]
        if len(fitting) == 1:
            return fitting[0]
        raise asked.refused(fitting, here, self.layers, self.where, self._brief())

    def figure(self, kind: str = "auto", **options: Any) -> Figure:
        """One figure of what was selected, on one scale, which it shows.

        Args:
            kind: `"strip"`, one kernel over epochs; `"grid"`, kernels of a layer and epochs;
                `"sheet"`, a layer at an epoch, its kernels numbered; `"views"`, one kernel in
                all views; `"runs"`, the same kernels in several trainings; `"difference"`, two
                epochs, the first and the last, or two trainings, and what each weight differs
                by; `"context"`, a kernel's strongest slices with what makes their input
                channels; `"curves"`, the loss, a metric or a statistic over epochs. `"auto"`:
                what fits the selection.
            **options: `width`, a text such as `"85mm"` or a number of inches, None for as wide
                as it needs; `dpi`, pixels to the inch (150); `background`, `"white"` or
                `"transparent"`; `normalize`, where the ends of the scale are: `"layer"`, the
                lowest and highest weight logged of the layer at the epochs shown (the default),
                `"symmetric"`, `"first"`, `"kernel"`, `"standard"`, a pair of weights, or
                `"epoch"`, each picture on the scale that it was logged on; `colormap`, any name
                of matplotlib's; `direction`, how epochs stand, `"across"` or `"down"`; `scale`,
                pixels along the side of a weight instead of a width; `columns`, slices in a
                row; `order`, what kernels are ranked by, `"change"`, `"relative_change"`,
                `"norm"`, `"activity"` or `"number"` as in `rank` (by number); `top`, how many of
                them, the first (all; of those that changed most, if no order is given), and in
                a context how many slices (8); `name`, which of the curves (`"loss"`).

        Returns:
            A `matplotlib.figure.Figure`, to be changed and saved as anything. Each weight is
            a square of whole pixels at the figure's own resolution.

        Raises:
            ArgumentError: If an option is not valid, or the selection is not one for this kind.
            LogError: If a picture cannot be read, or the figure would be too large or too wide.
        """
        # It stands on what is read, and takes matplotlib; here is its door.
        from tb_kernels.figures.figure import draw_figure

        return self.of_intact(lambda log: draw_figure(log, kind, **options))

    def arrays(self, view: str, *, run: str | None = None) -> Arrays:
        """What a view stored in its `.npz` files, over the epochs that are selected.

        Args:
            view: Any but `"patterns"`, which stores none; `"kernels"` has exact weights, by layer
                number, if the logger was given `weights=True`.
            run: Which training; it may be left out where only one has such files.

        Raises:
            ArgumentError: If there are none.
        """
        catalog = self._catalog
        chosen = self._selected or any(catalog.shown.superseded.values())
        # Files of a training that is superseded may lie beside those of the newest.
        runs, epochs = (self.runs, self.epochs) if chosen else (None, None)
        return find_arrays(catalog, view, run, runs=runs, epochs=epochs, tell=warn)

    def stored(self, layer: LoggedLayer, epoch: int) -> Arrays | None:
        """What the training shown has stored beside the pictures of a layer; None for nothing.

        Raises:
            LogError: If there is a file that does not say which training wrote it.
        """
        return find_stored(self._catalog, layer.folder, layer.view, epoch)

    def weights(
        self, layer: int | str, epoch: int | str, *, run: str | None = None
    ) -> LayerWeights:
        """A whole layer's kernels as one array.

        The weights as they were, if the logger has stored them (`weights=True`); what the
        layer's pictures tell of them otherwise, whatever kernels are selected. The result says
        which, and how far from the weights it may be.

        Args:
            layer: Name or number of a layer, or of a part: `"conv2d"`, `3`, `"3-2"`.
            epoch: Its number, `"last"` or `"final"`.
            run: Which training; it may be left out where there is only one.

        Raises:
            ArgumentError: If there is no such layer or epoch, or more than one.
            LogError: If nothing exact is there, and the pictures do not give whole kernels.
        """
        return self.of_intact(lambda log: weights_of(log, *choose_layer(log, layer, epoch, run)))

    def rank(
        self,
        by: str = "change",
        *,
        view: str = KERNELS,
        layers: Iterable[int | str] | int | str | None = None,
        epochs: Epochs = None,
        run: str | None = None,
        top: int | None = None,
    ) -> list[Ranked]:
        """Kernels in the order of a number: those that changed most, the largest, ...

        Layer after layer, in the order of the network, since norms of kernels of other sizes do
        not compare; within each the first comes first, equals by their numbers, and last those
        whose number is not defined (NaN).

        Weights are exact where they were stored (`weights=True`). From pictures each is known to
        within a bound e, a norm of n weights then to within `sqrt(n) * e`, and that of a
        difference to within this with the bounds of both epochs added: the `error` of each.

        Args:
            by: `"change"`: the L2 norm of the difference of a kernel's weights at two epochs, the
                largest first. `"relative_change"`: the same, divided by the norm at the first of
                them; NaN where that cannot be told from 0. `"norm"`: the L2 norm, the largest
                first. Weights that are not finite make these NaN. `"activity"`: the share of the
                places of the logged inputs at which the kernel's feature map is above zero, the
                smallest first; exact from the arrays of ActivationLogger, from pictures the share
                of those that surely are. `"number"`: the kernel's number.
            view: Whose kernels: those with pictures of that view; layers are passed over of
                which no weights, or feature maps, were logged. `"activations"` with
                `"activity"` also ranks the channels of layers that have no kernels.
            layers: Names or numbers of layers, as for `select`.
            epochs: The two that are compared, such as `(1, 10)`; the first and the last that were
                selected by default. For the others one, the last by default.
            run: Which training; it may be left out where there is only one.
            top: How many of each layer; all by default.

        Raises:
            ArgumentError: If one of these is not in the log, or there is nothing to rank by.
            LogError: If pictures or arrays cannot be read, or do not give whole kernels.
        """
        rankings = rank_layers(self, by, view=view, layers=layers, epochs=epochs, run=run, top=top)
        return [one for ranking in rankings for one in ranking.ranked]

    def health(
        self,
        *,
        layers: Iterable[int | str] | int | str | None = None,
        run: str | None = None,
        zero_below: float = ZERO_BELOW,
        still_below: float = STILL_BELOW,
    ) -> list[LayerHealth]:
        """What the log tells of each layer: kernels near zero, channels never active, ...

        At the last epoch that was selected, of all kernels that were logged of a layer. These are
        numbers, and no verdicts: a filter may well be zero, or a layer frozen, on purpose.

        Args:
            layers: Names or numbers of layers, as for `select`.
            run: Which training; it may be left out where there is only one.
            zero_below: A kernel is near zero if its norm is at most this fraction of the median
                norm of its layer.
            still_below: A layer is still if its weights changed by less than this fraction of
                their norm.

        Returns:
            A row for each layer of which kernels or activations were logged.

        Raises:
            ArgumentError: If one of these is not in the log, or it has neither.
            LogError: If pictures or arrays cannot be read, or do not give whole kernels.
        """
        layers = check_layers(layers)
        options = {"zero_below": zero_below, "still_below": still_below}
        return self.of_intact(lambda log: check_health(log, layers=layers, run=run, **options))

    def scalars(self, *, run: str | None = None) -> dict[str, dict[str, Curve]]:
        """The curves beside the pictures: the loss, the metrics, and what the views add.

        Args:
            run: Which training; it may be left out where there is only one.

        Returns:
            By writer (`"train"`, `"validation"`, `"kernels"`, ...) and tag
            (`"epoch_loss"`, `"1-conv2d/kernel_norm"`). Epoch 1 is step 0.

        Raises:
            ArgumentError: If it is not clear of which training.
        """
        curves, source = self._catalog.shown.curves, self._catalog.source
        return find_curves(curves, source, self.runs, self.views, run, selected=self._selected)

    def __repr__(self) -> str:
        return f"<Log {shown(self.where)!r}: {self._brief()}>"

    def show(self, height: int = 640) -> None:
        """Shows the viewer in a notebook: the kernels as a wall, epochs beside the loss.

        All of it is in the cell and needs nothing else, so it holds 8 MB of pictures at most,
        and says what it leaves out.

        Args:
            height: In CSS pixels.

        Raises:
            LogError: If this is no notebook.
        """
        try:
            from IPython.display import HTML, display
        except ImportError:
            raise LogError("show: expected a notebook; `tb-kernels export` makes a page") from None
        display(HTML(self._repr_html_(height)))

    def _repr_html_(self, height: int = 640) -> str:
        # As above, a door that is opened when it is called.
        from tb_kernels.viewer.frame import frame_of

        return frame_of(self, repr(self).strip("<>"), height)

    def refreshed(self) -> Log:
        """The whole log directory as it is now: only what was added since is read.

        Returns:
            A log of its own; this one where nothing was added to a log that is no selection.

        Raises:
            LogError: If it cannot be read.
        """
        return self.whole.grown(warn)

    def grown(self, tell: Tell) -> Log:
        """As `refreshed` of a log that is no selection; damage is told to somebody."""
        before = self._catalog
        catalog = read_catalog(before.source, tell, before.again[0] if before.again else before)
        return self if catalog is before else Log.of(catalog, tell)

    @property
    def outdated(self) -> bool:
        """Whether it was read whole since it was opened, so that `refreshed` is another."""
        return bool(self._catalog.again)

    def verified(self) -> Log:
        """These pictures, with nothing damaged among them.

        Of a long log only the beginning is verified when it is opened, and any other picture when
        it is looked at: this reads all of it once. A record that is damaged is warned of and left
        out, and where a picture in it was logged before as well, the older one is here.

        Returns:
            A log of its own; this one where nothing was left to be verified.

        Raises:
            LogError: If it cannot be read.
        """
        catalog = verify(self._catalog, self._indexes.tell)
        if catalog is self._catalog:
            return self
        rows = rows_again(self._rows, self._catalog, catalog)
        return Log.of(catalog, self._indexes.tell)._of(rows, narrowed=self._narrowed)

    def of_intact(self, ask: Callable[[Log], _Told]) -> _Told:
        """The answer to a question; asked again of `verified`, if a damaged picture is met.

        Args:
            ask: The question.

        Raises:
            LogError: If nothing else is left, or it cannot be read.
        """
        try:
            return ask(self)
        except DamagedError:
            log = self.verified()
            if log is self or not len(log):
                raise
        return ask(log)

    def _opened(self, catalog: Catalog) -> Log:
        return Log(catalog, self._indexes, layers_of(catalog), catalog.rows)

    def _of(self, rows: NDArray[np.void], *, narrowed: bool = False) -> Log:
        return Log(self._catalog, self._indexes, self._layers, rows, narrowed=narrowed)

    @property
    def _selected(self) -> bool:
        return len(self) < len(self._catalog.rows)

    def _brief(self) -> str:
        if not len(self):
            return "no pictures"
        return (
            f"{count(len(self), 'picture')} of {enumerate_some(self.views)}, "
            f"layers {enumerate_some(dict.fromkeys(one.number for one in self.layers))}, "
            f"epochs {ranges(self.epochs)}"
            + (f", runs {enumerate_some(self.runs)}" if len(self.runs) > 1 else "")
        )

    def _pictures(self, rows: NDArray[np.void]) -> Iterator[Picture]:
        layers, catalog, indexes = self._layers, self._catalog, self._indexes
        for start in range(0, len(rows), _AT_A_TIME):
            # As plain numbers: one by one NumPy would take longer than all the rest.
            for row in rows[start : start + _AT_A_TIME].tolist():
                yield Picture(row, layers[row[0]], catalog, indexes)

    def _at(self, address: Address) -> list[Picture]:
        layer, kernel, epoch = address
        return [
            one
            for _, rows in self._numbered(layer)
            for one in self._pictures(rows[(rows["kernel"] == kernel) & (rows["epoch"] == epoch)])
        ]

    def _rows_of(self, layer: LoggedLayer) -> NDArray[np.void]:
        """The pictures of a layer that are here."""
        same = (rows for one, rows in self._numbered(layer.number) if layer.is_same(one))
        return next(same, self._rows[:0])

    def _numbered(self, number: str) -> list[tuple[LoggedLayer, NDArray[np.void]]]:
        """The layers of a number in the order shown, and the pictures of each that are here."""
        return self._by_number.get(number, [])

    @cached_property
    def _by_number(self) -> dict[str, list[tuple[LoggedLayer, NDArray[np.void]]]]:
        found: dict[str, list[tuple[LoggedLayer, NDArray[np.void]]]] = {}
        for rows in split_by_layer(self._rows):
            layer = self._layers[int(rows["layer"][0])]
            found.setdefault(layer.number, []).append((layer, rows))
        return found
