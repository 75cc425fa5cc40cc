"""Which `.npz` files of a view are of the trainings that a log shows."""

from __future__ import annotations

import os
import re
from collections.abc import Collection

from tb_kernels.errors import ArgumentError, LogError
from tb_kernels.reading.arrays import Arrays
from tb_kernels.reading.catalog import Catalog
from tb_kernels.reading.newest import trainings_at
from tb_kernels.reading.sources import Folder, Source, Tell
from tb_kernels.schema.naming import KERNELS, PATTERNS, arrays_name, parse_epoch
from tb_kernels.wording import enumerate_some, shown

# So much of an archive's end is looked at to see who wrote it.
_TAIL = 100


def find_arrays(
    catalog: Catalog,
    view: str,
    run: str | None,
    *,
    runs: Collection[str] | None,
    epochs: Collection[int] | None,
    tell: Tell,
) -> Arrays:
    """The arrays of a view in one training.

    Args:
        catalog: Of the log directory.
        view: The view.
        run: The training; None for the only one that has such files.
        runs: Only one of these; None for all.
        epochs: Only these; None for all.
        tell: Is told of files that another training has written.

    Raises:
        ArgumentError: If there are none, or it is not clear of which training.
    """
    source = catalog.source
    named = re.compile(re.escape(view) + r"_([0-9]{1,9}|final)\.npz")
    found = {}
    for folder in catalog.folders:
        training, folder_view = source.split(folder.name)
        matches = map(named.fullmatch, folder.arrays)
        stored = sorted(parse_epoch(match[1]) for match in matches if match)
        stored = [epoch for epoch in stored if epochs is None or epoch in epochs]
        asked = run == training if run is not None else runs is None or training in runs
        if folder_view == view and asked:
            stored = _of_shown(catalog, folder, view, stored, tell)
            if stored:
                found[training] = (folder, stored)
    if len(found) != 1:
        raise ArgumentError(
            f"view: expected one run with files {view}_<epoch>.npz in "
            f"{shown(source.where)!r}, found {enumerate_some(found) or 'none'}"
            + (
                "; say which with run="
                if found
                else f"; every view but {PATTERNS} has them, {KERNELS} with weights=True"
            )
        )
    ((folder, stored),) = found.values()
    return Arrays(source, folder, {epoch: _file(view, epoch) for epoch in stored})


def find_stored(catalog: Catalog, folder: str, view: str, epoch: int) -> Arrays | None:
    """The arrays of one epoch, if a training whose pictures are shown has stored them.

    Args:
        catalog: Of the log directory.
        folder: The name of the view's folder.
        view: The view.
        epoch: The epoch.

    Returns:
        None if there is no such file, or another training has written it.

    Raises:
        LogError: If the file does not say which has.
    """
    file = _file(view, epoch)
    for one in catalog.folders:
        if one.name == folder and file in one.arrays:
            (trainings,) = trainings_at(catalog.found.files, folder, [epoch], catalog.until)
            own = _training_of(catalog.source, one, file)
            if not own:
                where = shown(catalog.source.address(one, file))
                raise LogError(
                    f"{where} does not say which training wrote it: it cannot be read, is cut "
                    "off, or is no logger's"
                )
            return Arrays(catalog.source, one, {epoch: file}) if own in trainings else None
    return None


def _file(view: str, epoch: int) -> str:
    return f"{arrays_name(view, epoch)}.npz"


def _of_shown(
    catalog: Catalog, folder: Folder, view: str, epochs: list[int], tell: Tell
) -> list[int]:
    """Those epochs whose files the trainings shown have written, or nobody says which."""
    shown_at = trainings_at(catalog.found.files, folder.name, epochs, catalog.until)
    others = []
    for epoch, trainings in zip(epochs, shown_at, strict=True):
        own = _training_of(catalog.source, folder, _file(view, epoch)) if trainings else ""
        if own and own not in trainings:
            others.append(epoch)
    if others:
        files = enumerate_some(_file(view, epoch) for epoch in others)
        tell(f"{shown(folder.name)}: {files} left out, written by another training")
    return [epoch for epoch in epochs if epoch not in others]


def _training_of(source: Source, folder: Folder, file: str) -> str:
    """The training that the archive's comment names; empty if it does not."""
    try:
        with source.open(folder, file) as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL))
            _, end, tail = stream.read(_TAIL).rpartition(b"PK\5\6")
    except OSError:
        # Whoever reads it will hear of it.
        return ""
    # Behind the directory's end stand 18 bytes, and the comment.
    return tail[18:].decode(errors="replace") if end else ""
