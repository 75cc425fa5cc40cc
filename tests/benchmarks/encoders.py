"""Ways to encode and write a layer's pictures: python -m tests.benchmarks.encoders.

The numbers behind the choice that tb_kernels/png.py explains.
"""

from __future__ import annotations

import io
import statistics
import tempfile
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from isal import isal_zlib
from PIL import Image

from tb_kernels.drawing.layouts import Layout, assemble

PICTURES = 256


def make(channels):
    """Random kernels of 3 x 3 with so many input channels, as the logger draws them."""
    random = np.random.default_rng(0)
    levels = np.clip(random.normal(128, 30, (PICTURES, channels, 3, 3, 1)), 0, 255).astype(np.uint8)
    return assemble(levels, Layout.fit(channels, 3, 3))


def filtered(picture, up):
    """The rows that are deflated: plain, or rows equal to the one above as zeros (filter Up)."""
    rows = np.zeros((picture.shape[0], picture.shape[1] + 1), np.uint8)
    rows[:, 1:] = picture[..., 0]
    if up:
        same = (picture[1:] == picture[:-1]).all(axis=(1, 2))
        rows[1:, 0][same] = 2
        rows[1:, 1:][same] = 0
    return rows


def one_by_one(compress, up):
    def run(pictures, folder):
        for number, picture in enumerate(pictures):
            (folder / f"{number}.png").write_bytes(compress(filtered(picture, up)))

    return run


def threads(compress):
    def run(pictures, folder):
        def write(item):
            number, picture = item
            (folder / f"{number}.png").write_bytes(compress(filtered(picture, False)))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(write, enumerate(pictures)))

    return run


def pillow(pictures, folder):
    for number, picture in enumerate(pictures):
        data = io.BytesIO()
        Image.fromarray(picture[..., 0]).save(data, "png", compress_level=1)
        (folder / f"{number}.png").write_bytes(data.getvalue())


@tf.function
def _graph(pictures, names):
    def write(item):
        tf.io.write_file(item[1], tf.io.encode_png(item[0], compression=1))
        return True

    return tf.map_fn(write, (pictures, names), fn_output_signature=tf.bool, parallel_iterations=2)


def graph(pictures, folder):
    names = tf.constant([str(folder / f"{number}.png") for number in range(len(pictures))])
    _graph(tf.constant(pictures), names)


def zlib_1(data):
    return zlib.compress(data, 1)


def isal_1(data):
    return isal_zlib.compress(data, 1)


WAYS = {
    "isal level 1": one_by_one(isal_1, up=False),
    "isal level 1, Up": one_by_one(isal_1, up=True),
    "isal level 1, two threads": threads(isal_1),
    "zlib level 1": one_by_one(zlib_1, up=False),
    "zlib level 1, Up": one_by_one(zlib_1, up=True),
    "zlib level 1, two threads": threads(zlib_1),
    "Pillow, compress_level=1": pillow,
    "TensorFlow graph": graph,
}


def main():
    """Prints milliseconds and bytes per picture of each way, by number of slices."""
    with tempfile.TemporaryDirectory() as folder:
        for channels in (3, 64, 512):
            compare(make(channels), Path(folder))


def compare(pictures, folder):
    """Interleaves the ways; each writes its files anew in a folder that it has made before."""
    times = {way: [] for way in WAYS}
    for _ in range(8):
        for number, (way, write) in enumerate(WAYS.items()):
            (folder / str(number)).mkdir(exist_ok=True)
            begin = time.perf_counter()
            write(pictures, folder / str(number))
            times[way].append((time.perf_counter() - begin) / PICTURES)
    print(f"\n{pictures.shape[2]} x {pictures.shape[1]} pixels")
    for number, (way, found) in enumerate(times.items()):
        size = sum(path.stat().st_size for path in (folder / str(number)).iterdir())
        median = statistics.median(found[1:])
        print(f"  {way:28} {1000 * median:6.3f} ms  {size // PICTURES:6} bytes")


if __name__ == "__main__":
    main()
