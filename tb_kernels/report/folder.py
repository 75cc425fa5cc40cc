"""The folder of a report: where each file goes, and that it is never outside."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import unicodedata
from functools import lru_cache
from pathlib import Path

from tb_kernels.arguments import check_path, is_address
from tb_kernels.errors import ArgumentError
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.picture import Picture
from tb_kernels.schema.naming import SHEET
from tb_kernels.writing.files import WholeFiles

# What a name may have in it beside letters and digits; at its end Windows drops dots and spaces.
_UNSAFE = re.compile(r"[^\w .+@#-]|^\.|[. ](?=[. ]*\Z)")

# Of Windows' devices, with whatever ending.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³]) *(?:\.|\Z)", re.IGNORECASE)

_FILE = re.compile(r"\.(png|pdf|gif)$", re.IGNORECASE)

# In bytes: file systems end a name at 255.
_LONGEST = 180


def check_apart(log_dir: str | os.PathLike[str], out_dir: str | os.PathLike[str]) -> None:
    """Checks that a report does not go into the log, nor around it.

    Args:
        log_dir: On this machine, or an address afar, which nothing here is in.
        out_dir: Need not be there yet.

    Raises:
        ArgumentError: If one is the other or lies in it, links resolved, or `out_dir` is no path
            of this machine.
    """
    log = check_path("log_dir", log_dir, remote=True)
    out = check_path("OUT_DIR", out_dir)
    if is_address(log):
        return
    inside, around = _lies_in(out, log), _lies_in(log, out)
    if inside or around:
        how = "is" if inside and around else "is inside" if inside else "holds"
        raise ArgumentError(
            f"OUT_DIR: {out!r} {how} the log directory {log!r}; expected a directory that is "
            "neither inside nor above it"
        )


def _lies_in(path: str, folder: str) -> bool:
    """Whether a path, of which the end need not be there, is a folder or lies in it."""
    # By what they are, not by names, which file systems may fold, and which may be mounted twice.
    wanted = _identity(folder)
    real = Path(os.path.realpath(path))
    return wanted is not None and wanted in map(_identity, (real, *real.parents))


def _identity(path: str | Path) -> tuple[int, int] | None:
    """What two paths of one directory share; None if there is no such thing."""
    try:
        found = os.stat(path)  # noqa: PTH116 (a text or a path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class ReportFolder:
    """Writes files below a directory, by names that are made safe and unique.

    The paths that it gives are without their ending.

    Args:
        out_dir: Made if it is missing.

    Raises:
        ArgumentError: If it is a file, or no path of this machine.
        OSError: If it cannot be made or written to.

    Attributes:
        files: What writes below it.
    """

    def __init__(self, out_dir: str | os.PathLike[str]) -> None:
        path = Path(check_path("OUT_DIR", out_dir))
        if path.exists() and not path.is_dir():
            raise ArgumentError(f"OUT_DIR: {str(path)!r} is a file; expected a directory")
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
        self._path = path
        self.files = WholeFiles(path)
        self._given: dict[tuple[str, str], str] = {}
        self._written: set[str] = set()

    def write(self, path: str, data: bytes) -> None:
        """Writes a file, and remembers it for `read`.

        Args:
            path: One that this folder has given, and an ending.
            data: All of it.

        Raises:
            OSError: If it cannot be written.
        """
        self.files.write(path, data)
        self._written.add(path)

    def has(self, path: str) -> bool:
        """Whether there is such a file, of this export or of an earlier one."""
        return (self._path / path).is_file()

    def read(self, path: str) -> bytes | None:
        """A file that `write` has written; None if it has not."""
        return (self._path / path).read_bytes() if path in self._written else None

    def picture(self, picture: Picture) -> str:
        """The path of a picture's own file."""
        return f"{self._group('images', picture, picture.view)}/{picture.address}"

    def strip(self, of: Picture | LoggedLayer, layer: str, kernel: int, *, together: bool) -> str:
        """The path of a kernel's figure across epochs, in one view or in all together."""
        views = () if together else (of.view,)
        return f"{self._group('strips', of, *views)}/{layer}_{kernel}"

    def sheet(self, layer: LoggedLayer, epoch: int) -> str:
        """The path of a layer's figure at an epoch."""
        return f"{self._of_layer('sheets', layer)}/{layer.number}_{SHEET}_{epoch}"

    def grid(self, layer: LoggedLayer) -> str:
        """The path of a layer's figure of kernels and epochs."""
        return self._of_layer("grids", layer)

    def difference(self, layer: LoggedLayer) -> str:
        """The path of a layer's figure of what has changed."""
        return self._of_layer("differences", layer)

    def context(self, picture: Picture) -> str:
        """The path of the figure of a kernel in its context."""
        return f"{self._group('contexts', picture)}/{picture.address}"

    def animation(self, layer: LoggedLayer) -> str:
        """The path of a layer's figure across epochs."""
        return self._of_layer("animations", layer)

    def curve(self, run: str, name: str) -> str:
        """The path of a figure of curves."""
        return self._below("curves", run, name)

    def _group(self, kind: str, of: Picture | LoggedLayer, *views: str) -> str:
        return self._below(kind, of.run, *views, *([of.group] if of.group else []))

    def _of_layer(self, kind: str, layer: LoggedLayer) -> str:
        return self._below(kind, layer.run, layer.view, layer.group or layer.number)

    def _below(self, kind: str, run: str, *names: str) -> str:
        """The path of folders in each other, each by its safe name."""
        path = kind
        for name in (*(() if run == "." else run.split("/")), *names):
            path = f"{path}/{self._name(path, name)}"
        return path

    def _name(self, parent: str, text: str) -> str:
        """A safe name for a file or folder; in one parent two texts never share one."""
        safe = _safe(text)
        taken = self._given.setdefault((parent, _alike(safe)), text)
        return safe if taken == text else f"{safe}-{_mark(text)}"


@lru_cache(maxsize=1024)
def _safe(text: str) -> str:
    cut = text.encode(errors="replace")[:_LONGEST].decode(errors="ignore")
    safe = _UNSAFE.sub("_", cut) or "_"
    safe = f"_{safe}" if _DEVICE.match(safe) else safe
    # Marked, so that it depends on nothing but the text; and no folder looks like a file.
    return f"{safe}-{_mark(text)}" if safe != text or _FILE.search(safe) else safe


def _alike(name: str) -> str:
    """As file systems compare that tell neither a from A nor ä from an a with two dots."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]
