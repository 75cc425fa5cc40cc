"""A real training, end to end: exactly the files, tags and values of the contract."""

import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tb_kernels import KernelLogger
from tests.helpers.models import sixteen_pictures, two_convolutions
from tests.helpers.oracle import (
    read_index,
    read_pictures,
    read_png,
    read_scalars,
    read_values,
    weights_shown,
)


class Snapshots(keras.callbacks.Callback):
    """Keeps every epoch's weights by what Keras prints, 0 before training."""

    def on_train_begin(self, logs=None):
        self.epochs = {0: self.kernels()}

    def on_epoch_end(self, epoch, logs=None):
        self.epochs[epoch + 1] = self.kernels()

    def kernels(self):
        return {layer.name: np.array(layer.kernel) for layer in self.model.layers[::2][:2]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Three epochs, logged at 0, 1 and 3; the log directory and the weights of each epoch."""
    log_dir = tmp_path_factory.mktemp("trained")
    snapshots = Snapshots()
    callbacks = [
        keras.callbacks.TensorBoard(log_dir),
        KernelLogger(log_dir, epochs=[0, 1, 3], strict=True),
        snapshots,
    ]
    two_convolutions().fit(
        *sixteen_pictures(), epochs=3, verbose=0, validation_split=0.25, callbacks=callbacks
    )
    return log_dir, snapshots.epochs


EPOCHS = (0, 1, 3)
ADDRESSES = [
    (f"{group}/{layer}_{kernel}_{epoch}", epoch)
    for epoch in EPOCHS
    for layer, group, filters in ((1, "1-first", 4), (3, "3-second", 6))
    for kernel in range(1, filters + 1)
]
# At every epoch, whichever are drawn.
NUMBERS = {(f"{group}/kernel_norm", epoch - 1) for epoch in range(4) for group in ("1-first", "3-second")} | {
    (f"{group}/relative_change", epoch - 1) for epoch in range(1, 4) for group in ("1-first", "3-second")
}  # fmt: skip


def test_exactly_these_files(trained):
    """The kernels' run holds one event file and one PNG per kernel and epoch, nothing else."""
    log_dir, _ = trained
    run = log_dir / "kernels"
    files = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    (events,) = [name for name in files if name.startswith("events.out.tfevents.")]
    assert files - {events} == {f"{path}.png" for path, _ in ADDRESSES}
    assert {path.name for path in log_dir.iterdir()} == {"kernels", "train", "validation"}


def test_exactly_these_tags(trained):
    """One value per picture, an index for those of a layer, at the step of that epoch's loss."""
    log_dir, _ = trained
    values = read_values(log_dir / "kernels")
    assert {(value.tag, step) for step, value in values} == {
        (path, epoch - 1) for path, epoch in ADDRESSES
    } | {(f"index/{epoch}", epoch - 1) for epoch in EPOCHS} | NUMBERS | {
        ("training", -1),
        ("layers", -1),
    }
    assert len(values) == len(ADDRESSES) + 2 * len(EPOCHS) + len(NUMBERS) + 2
    losses = {step for step, value in read_values(log_dir / "train") if value.tag == "epoch_loss"}
    assert {epoch - 1 for epoch in EPOCHS if epoch} <= losses


def test_events_are_what_tf_summary_image_writes(trained, tmp_path_factory):
    """Every value equals TensorFlow's own of the same pixels; its PNG is the file's, byte for byte."""
    log_dir, _ = trained
    images = read_pictures(log_dir / "kernels")
    reference_dir = tmp_path_factory.mktemp("reference")
    with tf.summary.create_file_writer(str(reference_dir)).as_default():
        for step, value in images:
            pixels = read_png(log_dir / "kernels" / f"{value.tag}.png")
            tf.summary.image(value.tag, pixels[None, ..., None], step=step)
    references = read_values(reference_dir)
    assert len(images) == len(references) == len(ADDRESSES)
    for (step, ours), (their_step, theirs) in zip(images, references, strict=True):
        assert (step, ours.tag) == (their_step, theirs.tag)
        assert ours.metadata.plugin_data == theirs.metadata.plugin_data
        our_array, their_array = tf.make_ndarray(ours.tensor), tf.make_ndarray(theirs.tensor)
        assert our_array.shape == their_array.shape == (3,)
        assert our_array.dtype == their_array.dtype
        assert our_array[:2].tolist() == their_array[:2].tolist()
        our_pixels = tf.io.decode_png(our_array[2]).numpy()
        np.testing.assert_array_equal(our_pixels, tf.io.decode_png(their_array[2]).numpy())
        assert our_array[2] == (log_dir / "kernels" / f"{ours.tag}.png").read_bytes()


def test_numbers_beside_the_pictures(trained):
    """Norm and change are those of the weights at every epoch."""
    log_dir, epochs = trained
    curves = read_scalars(log_dir / "kernels")
    for group, name in (("1-first", "first"), ("3-second", "second")):
        for epoch in range(4):
            kernels = np.moveaxis(epochs[epoch][name], -1, 0).astype(float)
            norms = [np.linalg.norm(kernel.ravel()) for kernel in kernels]
            found = curves[f"{group}/kernel_norm"][epoch - 1]
            assert found == pytest.approx(np.mean(norms), rel=1e-6)
        for before, epoch in itertools.pairwise(range(4)):
            start, now = epochs[before][name].astype(float), epochs[epoch][name].astype(float)
            change = np.linalg.norm(now - start) / np.linalg.norm(start)
            found = curves[f"{group}/relative_change"][epoch - 1]
            assert found == pytest.approx(change, rel=1e-5)


def test_scalars_are_what_tf_summary_scalar_writes(trained, tmp_path):
    """Byte for byte."""
    log_dir, _ = trained
    ours = [value for _, value in read_values(log_dir / "kernels") if value.metadata.plugin_data.plugin_name == "scalars"]  # fmt: skip
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        for value in ours:
            tf.summary.scalar(value.tag, tf.make_ndarray(value.tensor).item(), step=1)
    theirs = [value for _, value in read_values(tmp_path)]
    assert [one.SerializeToString() for one in ours] == [one.SerializeToString() for one in theirs]


def test_cards_tell_what_they_show(trained):
    """The title is the bare address; the description names layer, kernel, epoch and both ends."""
    log_dir, epochs = trained
    values = {value.tag: value for _, value in read_values(log_dir / "kernels")}
    value = values["3-second/3_2_3"]
    assert value.metadata.display_name == "3_2_3"
    weight = epochs[3]["second"]
    assert value.metadata.summary_description == (
        "Layer 3 `second` (Conv2D), kernel 2 of 6, epoch 3. "
        f"Weights: black {weight.min():.4g}, white {weight.max():.4g}."
    )


def test_index_and_picture_give_the_weights_back(trained):
    """With the index alone every picture of every epoch is its weights within half a level."""
    log_dir, epochs = trained
    indexes = read_index(log_dir / "kernels")
    assert sorted(indexes) == list(EPOCHS)
    for epoch, index in indexes.items():
        for entry in index["layers"]:
            weight = epochs[epoch][entry["name"]]
            half = (entry["high"] - entry["low"]) / 255 / 2 * (1 + 1e-5)
            for kernel in range(entry["kernels"]):
                address = f"{entry['number']}_{kernel + 1}_{epoch}"
                picture = read_png(log_dir / "kernels" / entry["group"] / f"{address}.png")
                shown = weights_shown(entry, picture)
                actual = weight[:, :, :, kernel].transpose(2, 0, 1)
                assert np.abs(shown - actual).max() <= half


def test_index_is_a_tensor_of_our_plugin(trained):
    """A JSON text before the pictures that it is about, with the contract's fields."""
    log_dir, _ = trained
    values = [value for _, value in read_values(log_dir / "kernels")]
    place = [value.tag for value in values].index("3-second/3_1_1") - 1
    assert values[place].tag == "index/1"
    assert values[place].metadata.plugin_data.plugin_name == "tb_kernels"
    index = json.loads(tf.make_ndarray(values[place].tensor).item())
    assert (index["format"], index["view"], index["epoch"]) == (2, "kernels", 1)
    (entry,) = index["layers"]
    assert entry["number"] == "3"
    assert entry["name"] == "second"
    assert entry["kind"] == "Conv2D"
    assert entry["shape"] == [3, 2, 4, 6]
    assert (entry["kernels"], entry["slices"], entry["tile"]) == (6, 4, [3, 2])
    assert (entry["columns"], entry["gap"]) == (4, max(1, entry["scale"] // 4))
    assert (entry["colormap"], entry["normalize"]) == ("gray", "layer")
    assert (entry["pictures"], entry["drawn"]) == ("kernels", [1, 2, 3, 4, 5, 6])
