"""The folder of a report: where each file goes, and that it is never outside."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path

from tb_kernels.errors import ArgumentError
from tb_kernels.reading.labels import LoggedLayer
from tb_kernels.reading.picture import Picture
from tb_kernels.writing.files import WholeFiles

# What a name may have in it beside letters and digits.
_UNSAFE = re.compile(r"[^\w .+@#-]|^\.")

_FILE = re.compile(r"\.(png|pdf|gif)$", re.IGNORECASE)

# In bytes: file systems end a name at 255.
_LONGEST = 180


class ReportFolder:
    """Writes files below a directory, by names that are made safe and unique.

    Args:
        out_dir: Made if it is missing.

    Raises:
        ArgumentError: If it is a file.
        OSError: If it cannot be made or written to.

    Attributes:
        files: What writes below it.
        written: The paths that `write` has written, in their order.
    """

    def __init__(self, out_dir: Path) -> None:
        if out_dir.exists() and not out_dir.is_dir():
            raise ArgumentError(f"OUT_DIR: {str(out_dir)!r} is a file; expected a directory")
        out_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out_dir):
            pass
        self._path = out_dir
        self.files = WholeFiles(out_dir)
        self._given: dict[tuple[str, str], str] = {}
        self.written: dict[str, None] = {}

    def write(self, path: str, data: bytes) -> None:
        """Writes a file, and remembers it for the page and the report.

        Args:
            path: One that this folder has given.
            data: All of it.

        Raises:
            OSError: If it cannot be written.
        """
        self.files.write(path, data)
        self.written[path] = None

    def has(self, path: str) -> bool:
        """Whether there is such a file, of this export or of an earlier one."""
        return (self._path / path).is_file()

    def read(self, path: str) -> bytes | None:
        """A file that `write` has written; None if it has not."""
        return (self._path / path).read_bytes() if path in self.written else None

    def picture(self, picture: Picture) -> str:
        """The path of a picture's own file, without its ending."""
        view = self._view("images", picture)
        return f"{view}{self._group(view, picture)}{picture.address}"

    def strip(self, of: Picture | LoggedLayer, layer: str, kernel: int, *, together: bool) -> str:
        """The path of a kernel's figure across epochs, in one view or in all together."""
        start = self._run("strips", of.run) if together else self._view("strips", of)
        return f"{start}{self._group(start, of)}{layer}_{kernel}"

    def layer(self, kind: str, layer: LoggedLayer) -> str:
        """The path of a layer's figure, without its ending."""
        view = self._view(kind, layer)
        return f"{view}{self._name(view, layer.group or layer.number)}"

    def curve(self, run: str, name: str) -> str:
        """The path of a figure of curves, without its ending."""
        folder = self._run("curves", run)
        return f"{folder}{self._name(folder, name)}"

    def _group(self, parent: str, of: Picture | LoggedLayer) -> str:
        return f"{self._name(parent, of.group)}/" if of.group else ""

    def _view(self, kind: str, of: Picture | LoggedLayer) -> str:
        run = self._run(kind, of.run)
        return f"{run}{self._name(run, of.view)}/"

    def _run(self, kind: str, run: str) -> str:
        path = f"{kind}/"
        for part in () if run == "." else run.split("/"):
            path += f"{self._name(path, part)}/"
        return path

    def _name(self, parent: str, text: str) -> str:
        """A safe name for a file or folder; in one parent two texts never share one."""
        cut = text.encode(errors="replace")[:_LONGEST].decode(errors="ignore")
        safe = _UNSAFE.sub("_", cut) or "_"
        # Marked, so that it depends on nothing but the text; and no folder looks like a file.
        if safe != text or _FILE.search(safe):
            safe = f"{safe}-{_mark(text)}"
        # As file systems compare that do not tell a from A.
        taken = self._given.setdefault((parent, safe.lower()), text)
        return safe if taken == text else f"{safe}-{_mark(text)}"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]
