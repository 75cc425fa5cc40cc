"""What there is in a log: runs, layers, epochs, curves, as a browser asks for it first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tb_kernels.errors import LogError
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture
from tb_kernels.schema.naming import plain_epoch
from tb_kernels.viewer.runs import ChosenRun
from tb_kernels.wording import finite


def overview_of(log: Log, runs: Iterable[ChosenRun]) -> dict[str, Any]:
    """The runs of a log, for JSON."""
    return {"where": log.where, "runs": [_run(one) for one in runs]}


def curves_of(log: Log, run: str) -> dict[str, dict[str, dict[str, list[float | None]]]]:
    """The curves of a run by writer and tag, their points by epoch; null for what is not finite."""
    return {
        writer: {
            tag: {
                # Keras draws the first epoch at step 0.
                "epochs": [step + 1 for step in curve.steps.tolist()],
                "values": [finite(one) for one in curve.values.tolist()],
            }
            for tag, curve in curves.items()
        }
        for writer, curves in log.scalars(run=run).items()
    }


def find_layer(log: Log, run: str, view: str, key: str) -> LoggedLayer | None:
    """The layer that a browser has been told of by these names."""
    for layer in log.layers:
        if (layer.run, layer.view, _key(layer)) == (run, view, key):
            return layer
    return None


def _run(run: ChosenRun) -> dict[str, Any]:
    chosen = run.log.select(runs=run.run)
    layers = chosen.layers
    pictures = [chosen.of_layer(layer, layer.epochs[-1])[0] for layer in layers]
    return {
        "name": run.name,
        "label": run.label,
        "epochs": [plain_epoch(epoch) for epoch in chosen.epochs],
        "layers": [
            _layer(layer, picture) | {"versions": chosen.versions(layer), "model": model}
            for layer, picture, model in zip(layers, pictures, _models(pictures), strict=True)
        ],
    }


def _models(pictures: list[Picture]) -> list[int]:
    """Whose the layer of each picture is: those of equal numbers may stand beside each other."""
    seen: list[Picture] = []
    found = []
    for picture in pictures:
        beside = (number for number, one in enumerate(seen) if picture.is_beside(one))
        number = next(beside, len(seen))
        if number == len(seen):
            seen.append(picture)
        found.append(number)
    return found


def _layer(layer: LoggedLayer, picture: Picture) -> dict[str, Any]:
    return {
        "view": layer.view,
        "key": _key(layer),
        "number": layer.number,
        "name": layer.name,
        "kernels": len(layer.kernels),
        "epochs": [plain_epoch(epoch) for epoch in layer.epochs],
        **_shape(picture),
    }


def _shape(picture: Picture) -> dict[str, Any]:
    """What the index says of the layer, where there is one."""
    try:
        entry = picture.entry
    except LogError:
        return {"kind": None, "shape": None, "axes": None}
    return {"kind": entry["kind"], "shape": entry["shape"], "axes": entry["axes"]}


def _key(layer: LoggedLayer) -> str:
    # Two layers of one name share a group.
    return f"{layer.group}/{layer.number}" if layer.group else layer.number
