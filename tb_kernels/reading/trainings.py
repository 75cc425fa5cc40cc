"""The trainings of a log: when each began, what with, and what it had logged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tb_kernels.reading.catalog import Catalog, Span
from tb_kernels.reading.newest import ages_of
from tb_kernels.schema.naming import VIEWS, epoch_of
from tb_kernels.schema.training import LayerFacts, Training, layers_in

if TYPE_CHECKING:
    from tb_kernels.reading.log import Log


@dataclass(frozen=True)
class LoggedTraining:
    """A training whose pictures are in a log, perhaps superseded by a newer one.

    Attributes:
        run: The directory below the log directory; `"."` for this itself.
        identifier: Random letters that all views of the training share; empty if unknown.
        started: When it began, in seconds since 1970; 0 if unknown.
        first: Its first epoch; None if unknown, as of version 0.1.0. One that begins at 0 or 1
            supersedes what was there, one that goes on keeps the epochs before.
        versions: Of this package, Keras and its backend, by name.
        views: What it has logged.
    """

    run: str
    identifier: str
    started: float
    first: int | None
    versions: Mapping[str, str]
    views: list[str]
    _layers: list[Span] = field(repr=False)
    _until: dict[str, int] = field(repr=False)
    _catalog: Catalog = field(repr=False)
    _open: Callable[[Catalog], Log] = field(repr=False)

    @property
    def log(self) -> Log:
        """The log of this run as it was when this training was the newest."""
        return self._open(self._catalog.as_of(self._until))

    @property
    def layers(self) -> list[LayerFacts]:
        """Every layer of the model: number, name, kind (its class) and output shape.

        Empty if the log does not say.

        Raises:
            LogError: If the event file can no longer be read.
        """
        for span in self._layers:
            layers = layers_in(self._catalog.read(span))
            if layers:
                return layers
        return []


def trainings_of(catalog: Catalog, open_: Callable[[Catalog], Log]) -> list[LoggedTraining]:
    """The trainings of a catalog, in the order in which they began to write within each run."""
    ages = ages_of(catalog.found.files).tolist()
    files: dict[tuple[str, str], list[int]] = {}
    for file, facts in enumerate(catalog.found.files):
        run, view = catalog.source.split(facts.folder)
        if view in VIEWS and facts.training.number:
            # Without an identifier each file is a training of its own.
            key = facts.training.identifier or f"#{file}"
            files.setdefault((run, key), []).append(file)
    found = []
    for (run, _), own in sorted(files.items(), key=lambda one: max(ages[file] for file in one[1])):
        told = [catalog.found.files[file] for file in own]
        until: dict[str, int] = {}
        for file, facts in zip(own, told, strict=True):
            until[facts.folder] = max(ages[file], until.get(facts.folder, -1))
        views = {catalog.source.split(folder)[1] for folder in until}
        spans = [
            Span(file, *facts.layers) for file, facts in zip(own, told, strict=True) if facts.layers
        ]
        training = max((facts.training for facts in told), key=_tells)
        found.append(
            LoggedTraining(
                run,
                training.identifier,
                training.started,
                None if training.first is None else epoch_of(training.first),
                training.versions,
                [view for view in VIEWS if view in views],
                spans,
                until,
                catalog,
                open_,
            )
        )
    return found


def _tells(training: Training) -> int:
    """How much it says of itself."""
    return len(training.versions) + (training.first is not None)
