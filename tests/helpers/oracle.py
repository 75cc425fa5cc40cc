"""What the contract says a picture is, computed without the package: loops and one weight at a time."""

import re
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c


def slices_of(kind, weight, number):
    """The slices of one kernel in their order, and how many stand in a row (None: by number).

    `weight` is the array Keras holds; `number` counts from 1.
    """
    k = number - 1
    if kind == "Conv2D":  # (kh, kw, in, out)
        return [weight[:, :, i, k] for i in range(weight.shape[2])], None
    if kind == "Conv2DTranspose":  # (kh, kw, out, in)
        return [weight[:, :, k, i] for i in range(weight.shape[3])], None
    if kind == "DepthwiseConv2D":  # (kh, kw, in, multiplier)
        i, m = divmod(k, weight.shape[3])
        return [weight[:, :, i, m]], None
    if kind == "Conv1D":  # (k, in, out): one row of weights per input channel
        return [np.stack([weight[:, i, k] for i in range(weight.shape[1])])], None
    if kind == "Conv1DTranspose":  # (k, out, in)
        return [np.stack([weight[:, k, i] for i in range(weight.shape[2])])], None
    if kind == "DepthwiseConv1D":  # (k, in, multiplier)
        i, m = divmod(k, weight.shape[2])
        return [weight[:, i, m][None]], None
    if kind == "Conv3D":  # (d, kh, kw, in, out): a row per input channel, a column per depth
        depth, _, _, channels, _ = weight.shape
        tiles = [weight[d, :, :, i, k] for i in range(channels) for d in range(depth)]
        return tiles, depth
    if kind == "Conv3DTranspose":  # (d, kh, kw, out, in)
        depth, _, _, _, channels = weight.shape
        tiles = [weight[d, :, :, k, i] for i in range(channels) for d in range(depth)]
        return tiles, depth
    raise AssertionError(kind)


def level(weight, low, high):
    """round(255 * (w - low) / (high - low)), clipped; 128 where all weights are equal."""
    if high == low:
        return np.full(np.shape(weight), 128.0)
    return np.clip(255 * (np.asarray(weight, np.float64) - low) / (high - low), 0, 255)


def draw(tiles, columns=None, scale=None):
    """Pixels (not rounded) of tiles of levels: squares, white gaps between, no border."""
    if columns is None:
        columns = len(tiles) if len(tiles) <= 4 else int(np.ceil(np.sqrt(len(tiles))))
    rows = -(-len(tiles) // columns)
    height, width = tiles[0].shape

    def size(scale):
        gap = max(1, scale // 4)
        return (
            rows * height * scale + (rows - 1) * gap,
            columns * width * scale + (columns - 1) * gap,
        )

    if scale is None:
        scale = 1
        while max(size(scale)) < 128:
            scale += 1
    gap = max(1, scale // 4)
    picture = np.full(size(scale), 255.0)
    for t, tile in enumerate(tiles):
        y, x = t // columns * (height * scale + gap), t % columns * (width * scale + gap)
        for dy in range(height):
            for dx in range(width):
                picture[
                    y + dy * scale : y + (dy + 1) * scale, x + dx * scale : x + (dx + 1) * scale
                ] = tile[dy, dx]
    return picture


def picture_of(kind, weight, number):
    """The default picture of one kernel, levels not rounded."""
    weight = np.asarray(weight, np.float32)
    tiles, columns = slices_of(kind, weight, number)
    low, high = float(weight.min()), float(weight.max())
    return draw([level(tile, low, high) for tile in tiles], columns)


def read_png(path):
    """The pixels of a PNG as Pillow decodes them."""
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def assert_shows(picture, expected):
    """The decoded picture equals the expected levels within one."""
    assert picture.shape == expected.shape
    assert np.abs(picture.astype(float) - expected).max() <= 1


def read_values(run_dir):
    """Every summary value of a run with its step, in order, checksums verified by TensorFlow."""
    found = []
    for path in sorted(Path(run_dir).glob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            found += [(event.step, value) for value in event.summary.value]
    return found


def read_pictures(run_dir):
    """Those values that are images."""
    return [
        (step, value)
        for step, value in read_values(run_dir)
        if value.metadata.plugin_data.plugin_name == "images"
    ]


def read_scalars(run_dir):
    """The curves of a run: for each tag its values by step."""
    curves = {}
    for step, value in read_values(run_dir):
        if value.metadata.plugin_data.plugin_name == "scalars":
            curves.setdefault(value.tag, {})[step] = tf.make_ndarray(value.tensor).item()
    return curves


def read_index(run_dir):
    """The layers that the indexes of a run tell of, by epoch.

    Each record tells of its own pictures. Here those of a layer that follow each other are
    joined to one entry, with the entry of the sheet before them as its `sheet`.
    """
    epochs = {}
    for epoch, entry in read_entries(run_dir):
        layers = epochs.setdefault(epoch, [])
        last = layers[-1] if layers else {}
        same = all(
            last.get(field) == entry[field]
            for field in ("number", "group", "normalize", "colormap")
        )
        if entry["pictures"] == "sheet":
            layers.append(entry | {"sheet": entry})
        elif same and last["drawn"] == [0]:
            layers[-1] = entry | {"sheet": last["sheet"]}
        elif same and last["drawn"][-1] < entry["drawn"][0]:
            fields = ("drawn", "low", "high") if isinstance(entry["low"], list) else ("drawn",)
            last |= {field: last[field] + entry[field] for field in fields}
        else:
            layers.append(entry | {"sheet": None})
    return {epoch: {"layers": layers} for epoch, layers in epochs.items()}


def read_entries(run_dir):
    """Every entry of every index of a run with its epoch, in the order of writing."""
    import json

    return [
        (int(value.tag.removeprefix("index/")), entry)
        for _, value in read_values(run_dir)
        if value.tag.startswith("index/")
        for entry in json.loads(value.tensor.string_val[0])["layers"]
    ]


def weights_shown(entry, picture):
    """The slices that a grey picture stands for, by its layer's entry in the index alone.

    Returns (slices, height, width): `low + level / 255 * (high - low)`.
    """
    height, width = entry["tile"]
    scale, columns, gap = entry["scale"], entry["columns"], entry["gap"]
    tiles = []
    for t in range(entry["slices"]):
        y = t // columns * (height * scale + gap)
        x = t % columns * (width * scale + gap)
        tiles.append(picture[y : y + height * scale : scale, x : x + width * scale : scale])
    return entry["low"] + np.stack(tiles) / 255 * (entry["high"] - entry["low"])


def folder_of(number, layer):
    """The group of a layer: a name that Keras made up stands there without its counter."""
    stem = re.sub("_[0-9]+$", "", layer.name)
    # What Keras calls them: the class in small letters, its words joined.
    made_up = stem.replace("_", "") == type(layer).__name__.lower()
    return f"{number}-{stem if made_up else layer.name}"


def pictures(log_dir):
    """The addresses of kernels on disk."""
    return {path.stem for path in (log_dir / "kernels").rglob("*.png")}


def epochs_of(log_dir):
    """The epochs of which there are pictures of kernels."""
    return sorted({int(address.split("_")[2]) for address in pictures(log_dir)})


def masked_crc(data):
    """The checksum of a record's length or content, as TensorBoard computes it: four bytes."""
    return masked_crc32c(data).to_bytes(4, "little")
