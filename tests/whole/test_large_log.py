"""A log of 42,000 pictures: all of them right, in little memory, and soon."""

import resource
import subprocess
import sys

import numpy as np
import pytest

from tb_kernels import open_log
from tests.helpers.large_log import KERNELS
from tests.helpers.project import HEAVY

pytestmark = pytest.mark.slow

LARGE, SMALL = 42_000, 10_000


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """A log of each size."""
    folder = tmp_path_factory.mktemp("large")
    for pictures in (LARGE, SMALL):
        log_dir = folder / str(pictures)
        program = [sys.executable, "-m", "tests.helpers.large_log", log_dir, str(pictures)]
        subprocess.run(program, check=True, capture_output=True)
    return folder


def command(*arguments):
    """Runs the command in a process of its own; gives its output and its peak of memory."""
    program = (
        "import sys; from pathlib import Path; from tb_kernels.cli import main;"
        "code = main(sys.argv[1:]); print(*set(sys.modules));"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]);"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    *output, modules, peak = done.stdout.splitlines()
    return "\n".join(output), set(modules.split()), int(peak) * 1024


def test_all_pictures_are_exported_as_they_were_logged(logs, tmp_path):
    """Byte for byte, all 42,000; their pixels from the events alone are those of the files."""
    log_dir = logs / str(LARGE)
    output, modules, peak = command("export", log_dir, tmp_path, "--only", "images")
    assert output == f"42,000 files in {tmp_path}\nopen {tmp_path}/images"
    assert not modules & {"tensorflow", "keras"}
    logged = {path.relative_to(log_dir): path for path in log_dir.rglob("*.png")}
    exported = {path.relative_to(tmp_path / "images") for path in tmp_path.rglob("*.png")}
    assert exported == set(logged)
    assert len(logged) == LARGE
    for name, path in logged.items():
        assert (tmp_path / "images" / name).read_bytes() == path.read_bytes()
    # Idempotent, and memory does not grow with the log.
    again, _, small_peak = command("export", logs / str(SMALL), tmp_path, "--only", "images")
    assert again == f"10,000 files in {tmp_path}\nopen {tmp_path}/images"
    assert len(list(tmp_path.rglob("*.*"))) == LARGE
    assert peak < small_peak + 10e6


def test_pictures_at_random_give_their_weights(logs):
    """Of a few hundred of them: the weights within half a level, worked out anew."""
    import keras

    log = open_log(logs / str(LARGE))
    assert len(log) == LARGE
    for epoch in (1, 21):
        weights = np.array(keras.random.normal((3, 3, 16, KERNELS // 2), seed=epoch))
        half = np.ptp(weights) / 510 * 1.001
        for kernel in np.random.default_rng(epoch).integers(1, KERNELS // 2 + 1, 100).tolist():
            found = log.picture(f"2_{kernel}_{epoch}").weights()
            assert np.abs(found - weights[..., kernel - 1].transpose(2, 0, 1)).max() <= half


def test_list_answers_soon(logs):
    """Within two seconds of the processor, without TensorFlow; --help within half a second."""
    seconds = {}

    def used():
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    for name, arguments in {"list": ["list", logs / str(LARGE)], "help": ["--help"]}.items():
        program = [sys.executable, "-m", "tb_kernels", *map(str, arguments)]
        rounds = []
        for _ in range(3):
            begin = used()
            subprocess.run(program, check=True, capture_output=True)
            rounds.append(used() - begin)
        seconds[name] = min(rounds)
    assert seconds["list"] < 2
    assert seconds["help"] < 0.5
    output, modules, _ = command("list", logs / str(LARGE))
    assert "42,000 pictures" in output
    assert "1-1000" in output
    assert not modules & HEAVY
    assert not command("--help")[1] & HEAVY
