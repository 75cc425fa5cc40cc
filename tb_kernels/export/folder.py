"""The folder of a report: where each file goes, and that it is never outside."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tb_kernels.errors import ArgumentError
from tb_kernels.files import WholeFiles
from tb_kernels.reading.labels import LoggedLayer
from tb_kernels.reading.picture import Picture

# What a name may have in it beside letters and digits.
_UNSAFE = re.compile(r"[^\w .+@#-]|^\.")

# In bytes: file systems end a name at 255.
_LONGEST = 200


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
        self._given: dict[str, str] = {}
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

    def read(self, path: str) -> bytes | None:
        """A file that `write` has written; None if it has not."""
        return (self._path / path).read_bytes() if path in self.written else None

    def picture(self, kind: str, picture: Picture) -> str:
        """The path of a picture's own file, without its ending."""
        return f"{self._view(kind, picture)}{self._group(picture)}{picture.address}"

    def strip(self, kind: str, picture: Picture, *, together: bool) -> str:
        """The path of a kernel's figure across epochs, in one view or in all together."""
        run = self._run(kind, picture.run)
        start = run if together else self._view(kind, picture)
        layer, kernel, _ = picture.address
        return f"{start}{self._group(picture)}{layer}_{kernel}"

    def layer(self, kind: str, layer: LoggedLayer) -> str:
        """The path of a layer's figure, without its ending."""
        return f"{self._view(kind, layer)}{self._name(layer.group or layer.number)}"

    def curve(self, kind: str, run: str, name: str) -> str:
        """The path of a figure of curves, without its ending."""
        return f"{self._run(kind, run)}{self._name(name)}"

    def _group(self, picture: Picture) -> str:
        return f"{self._name(picture.group)}/" if picture.group else ""

    def _view(self, kind: str, of: Picture | LoggedLayer) -> str:
        return f"{self._run(kind, of.run)}{self._name(of.view)}/"

    def _run(self, kind: str, run: str) -> str:
        return f"{kind}/" if run == "." else f"{kind}/{'/'.join(map(self._name, run.split('/')))}/"

    def _name(self, text: str) -> str:
        """A name for a file or folder; two texts never share one."""
        cut = text.encode(errors="replace")[:_LONGEST].decode(errors="ignore")
        safe = _UNSAFE.sub("_", cut) or "_"
        name, number = safe, 1
        # As file systems compare that do not tell a from A.
        while self._given.setdefault(name.lower(), text) != text:
            number += 1
            name = f"{safe}-{number}"
        return name
