"""What the background may hold."""

from tests.benchmarks.memory import measure


def test_peak_memory_is_bounded():
    """Six epochs of VGG16 handed over at once: at most three copies and 150 MB, in a process of its own."""
    peak, kernels = measure("vgg16", "ours")
    assert 50e6 < kernels < 60e6
    assert kernels < peak <= 3 * kernels + 150e6
