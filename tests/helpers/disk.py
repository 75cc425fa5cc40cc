"""A disk that is slow."""

from tb_kernels.writing.disk import Disk


def slow_down(monkeypatch, wait):
    """Lets every picture wait on the disk: `wait(path)` returns before the file is written."""

    def call(disk, operation, *arguments, real=Disk.call, **options):
        if operation == "place":
            folder, files = arguments
            failures = []
            for number, (path, data) in enumerate(files):
                wait(path)
                failed = real(disk, operation, folder, [(path, data)], **options)
                failures += [(number, *why) for _, *why in failed]
            return failures
        return real(disk, operation, *arguments, **options)

    monkeypatch.setattr(Disk, "call", call)
