"""Disks that are slow, and disks that hang."""

import subprocess
import time

import pytest

from tb_kernels.writing.disk import Disk


def slow_down(monkeypatch, wait):
    """Lets every picture wait on the disk: `wait(path)` returns before the file is written."""

    def start(disk, operation, *arguments, real=Disk.start, **options):
        if operation == "record":
            for path, _ in arguments[1]:
                wait(path)
        return real(disk, operation, *arguments, **options)

    monkeypatch.setattr(Disk, "start", start)


class LoopDisk:
    """A small ext4 in a file of its own, which can be frozen: what writes then waits for ever."""

    def __init__(self, folder):
        self.image, self.path = folder / "image", folder / "disk"
        self.path.mkdir()
        with self.image.open("wb") as image:
            image.truncate(32 << 20)
        for command in (
            ["mkfs.ext4", "-q", self.image],
            ["mount", "-o", "loop", self.image, self.path],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"a file system of one's own takes root: {done.stderr.strip()}")
        self.frozen = False

    def freeze(self):
        """From now on every write waits."""
        subprocess.run(["fsfreeze", "-f", self.path], check=True)
        self.frozen = True

    def thaw(self):
        """What waits goes on."""
        if self.frozen:
            subprocess.run(["fsfreeze", "-u", self.path], check=True)
            self.frozen = False

    def remove(self):
        """Also where hands that were abandoned have still to end."""
        self.thaw()
        for _ in range(50):
            if not subprocess.run(["umount", self.path], check=False).returncode:
                return
            time.sleep(0.1)
        subprocess.run(["umount", "-l", self.path], check=True)
