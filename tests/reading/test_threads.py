"""One log, many threads: whatever they ask for at once, each gets what it would get alone."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tb_kernels import LogError, open_log
from tb_kernels.reading import indexes, local_source
from tests.helpers.models import train

THREADS, ASKED = 6, 3000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    """Two trainings of all views."""
    log_dir = tmp_path_factory.mktemp("threads") / "logs"
    train(log_dir / "a", 1)
    train(log_dir / "b", 2)
    return log_dir


def weights(picture):
    try:
        return picture.weights()
    except LogError as error:
        return str(error)


def redrawn(picture):
    try:
        return picture.redraw(2, 2)
    except LogError as error:
        return str(error)


def curves(log):
    found = log.scalars(run="a")
    return {name: sorted(tags) for name, tags in found.items()}


OF_PICTURE = {
    "weights": weights,
    "redraw": redrawn,
    "pixels": lambda one: one.pixels(),
    "png": lambda one: one.png,
    "legend": lambda one: one.legend.layout if one.view != "heatmaps" else None,
    "layer_name": lambda one: one.layer_name,
}
OF_LOG = {
    "select": lambda log: [str(one.address) for one in log.select(epochs="last", kernels=1)],
    "arrays": lambda log: log.arrays("gradients", run="b"),
    "scalars": curves,
    "layers": lambda log: [one.facts() for one in log.layers],
    "html": lambda log: log._repr_html_(),
    "picture": lambda log: log.picture("1_2_1", run="b").png,
}


def plain(value):
    """What can be compared."""
    if hasattr(value, "keys"):
        value = {key: value[key] for key in value}
        return {
            key: one.tobytes() if hasattr(one, "tobytes") else one for key, one in value.items()
        }
    return value.tobytes() if isinstance(value, np.ndarray) else value


@pytest.mark.filterwarnings("ignore::tb_kernels.errors.LogWarning")
@pytest.mark.parametrize("kept", [1, 10**9], ids=["little is kept", "all is kept"])
def test_six_threads_ask_for_everything(log_dir, monkeypatch, kept):
    """18,000 times, the threads changing as often as they can; indexes and files come and go."""
    monkeypatch.setattr(indexes, "_KEPT", kept)
    monkeypatch.setattr(local_source, "_OPEN_FILES", 2)
    alone = open_log(log_dir)
    pictures = list(alone)
    expected = {name: [plain(ask(one)) for one in pictures] for name, ask in OF_PICTURE.items()}
    expected |= {name: plain(ask(alone)) for name, ask in OF_LOG.items()}
    # Another, in which nothing has been asked for yet.
    log = open_log(log_dir)
    shared = list(log)

    def ask(seed):
        random = np.random.default_rng(seed)
        wrong = set()
        for _ in range(ASKED):
            if random.random() < 0.02:
                name = str(random.choice(list(OF_LOG)))
                right = plain(OF_LOG[name](log)) == expected[name]
            else:
                name, place = (
                    str(random.choice(list(OF_PICTURE))),
                    int(random.integers(len(shared))),
                )
                right = np.array_equal(
                    plain(OF_PICTURE[name](shared[place])), expected[name][place]
                )
            if not right:
                wrong.add(name)
        return wrong

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            assert list(pool.map(ask, range(THREADS))) == [set()] * THREADS
    finally:
        sys.setswitchinterval(interval)
