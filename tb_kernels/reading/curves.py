"""The curves of a training, by who wrote them."""

from __future__ import annotations

from collections.abc import Sequence

from tb_kernels.errors import ArgumentError
from tb_kernels.reading.catalog import Catalog, Curve
from tb_kernels.wording import enumerate_some, shown

# What keras.callbacks.TensorBoard writes beside the views.
WRITERS = ("train", "validation")


def find_curves(
    catalog: Catalog, runs: Sequence[str], views: Sequence[str], run: str | None, *, selected: bool
) -> dict[str, dict[str, Curve]]:
    """The curves of one training, by writer and tag.

    Args:
        catalog: Of a log directory.
        runs: The trainings with pictures.
        views: The views with pictures.
        run: The training; None for the only one.
        selected: Whether they were chosen, so that others do not count.

    Raises:
        ArgumentError: If it is not clear of which training.
    """
    curves: dict[str, dict[str, dict[str, Curve]]] = {}
    for folder, by_tag in sorted(catalog.curves.items()):
        training, writer = catalog.split(folder)
        if writer not in WRITERS and selected and writer not in views:
            continue
        if training in runs or (writer in WRITERS and not selected):
            curves.setdefault(training, {})[writer] = by_tag
    if run is None and len(curves) <= 1:
        return next(iter(curves.values()), {})
    if run not in curves and run not in runs:
        raise ArgumentError(
            f"run: expected one of those with curves in {shown(catalog.source.where)!r}, "
            f"{enumerate_some(curves) or 'of which there are none'}; got {run!r}"
        )
    return curves.get(str(run), {})
