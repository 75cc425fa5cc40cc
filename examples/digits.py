"""Train the small network of the course on handwritten digits, and watch it learn.

The digits come inside scikit-learn, so nothing is downloaded. Run it with

    python examples/digits.py

to log its kernels, or with `--views all` to log expanded kernels, examples, activations, gradients,
patterns and heatmaps too, and then look at `tensorboard --logdir logs`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from tb_kernels import (
    ActivationLogger,
    ExampleLogger,
    ExpansionLogger,
    GradientLogger,
    HeatmapLogger,
    KernelLogger,
    PatternLogger,
)

VIEWS = ("kernels", "expanded", "examples", "activations", "gradients", "patterns", "heatmaps")


def main() -> int:
    """Trains, and says what was written and what to do next."""
    options = parse_arguments()
    keras.utils.set_random_seed(0)
    (x_train, y_train), (x_test, y_test) = load(options.dataset)
    model = build(x_train.shape[1:], options.optimizer)
    model.summary()

    log_dir = options.log_dir
    log_dir.mkdir(parents=True, exist_ok=True)
    model.fit(
        x_train,
        y_train,
        batch_size=32,
        epochs=options.epochs,
        validation_data=(x_test, y_test),
        callbacks=[
            keras.callbacks.TensorBoard(log_dir),
            keras.callbacks.ModelCheckpoint(log_dir / "best.keras", save_best_only=True),
            keras.callbacks.EarlyStopping(patience=options.epochs),
            keras.callbacks.ReduceLROnPlateau(patience=3),
            keras.callbacks.CSVLogger(log_dir / "history.csv"),
            *loggers(options.views, log_dir, options.log_epochs, x_test, y_test),
        ],
    )
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"\nTest accuracy: {accuracy:.1%}")
    for view in options.views:
        pictures = sorted((log_dir / view).rglob("*.png"))
        such_as = f", such as {pictures[0]}" if pictures else ""
        print(f"{len(pictures)} pictures in {log_dir / view}{such_as}")
    print(f"Look at them beside the loss curves: tensorboard --logdir {log_dir}")
    return 0


def loggers(
    views: Sequence[str],
    log_dir: Path,
    epochs: list[int | str] | None,
    x: np.ndarray,
    y: np.ndarray,
) -> list[keras.callbacks.Callback]:
    """A logger for each of the views.

    Args:
        views: Some of `VIEWS`.
        log_dir: Where they write.
        epochs: Which epochs they draw; None for all.
        x: Test pictures, of which most take the first few.
        y: Their classes.
    """
    every = {
        "kernels": lambda: KernelLogger(log_dir, epochs=epochs),
        "expanded": lambda: ExpansionLogger(log_dir, x[:64], epochs=epochs, sheets=True),
        "examples": lambda: ExampleLogger(log_dir, x, epochs=epochs, sheets=True),
        "activations": lambda: ActivationLogger(log_dir, x[:4], epochs=epochs, sheets=True),
        "gradients": lambda: GradientLogger(log_dir, x[:256], y[:256], epochs=epochs),
        "patterns": lambda: PatternLogger(log_dir, epochs=epochs, sheets=True),
        "heatmaps": lambda: HeatmapLogger(
            log_dir, x[:9], kernels=range(1, 10), epochs=epochs, sheets=True
        ),
    }
    return [every[view]() for view in views]


def build(shape: tuple[int, ...], optimizer: str = "adam") -> keras.Model:
    """The network of the course: its convolutions are layers 1 and 3.

    Args:
        shape: Of one picture, (height, width, channels).
        optimizer: What Keras calls it.
    """
    model = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Dropout(0.25),
            keras.layers.Flatten(),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ],
        name="course",
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def load(dataset: str) -> Any:
    """Pictures of float32 in 0-1, (pictures, height, width, channels), and their classes."""
    if dataset == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = digits.images / 16
        test = np.arange(len(images)) % 5 == 0
        split = (images[~test], digits.target[~test]), (images[test], digits.target[test])
    else:
        try:
            split = getattr(keras.datasets, dataset).load_data()
        except Exception as error:
            sys.exit(
                f"digits.py: --dataset {dataset} is downloaded by Keras, and that failed "
                f"({error}); expected a network connection, or use --dataset digits"
            )
        split = tuple((images / 255, classes) for images, classes in split)
    return tuple((with_channels(images), classes.ravel()) for images, classes in split)


def with_channels(images: np.ndarray) -> np.ndarray:
    """Gives pictures of one channel an axis for it."""
    return (images if images.ndim == 4 else images[..., None]).astype("float32")


def epochs(text: str) -> list[int | str]:
    """Reads a list such as `0,1,6,last`."""
    parts = [part.strip() for part in text.split(",")]
    words = ("last", "final")
    if not all(part in words or part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(
            f"expected epochs from 0, separated by commas, last or final; got {text!r}"
        )
    return [part if part in words else int(part) for part in parts]


def views(text: str) -> list[str]:
    """Reads a list such as `kernels,patterns`, or `all`."""
    if text == "all":
        return list(VIEWS)
    chosen = [part.strip() for part in text.split(",")]
    if not set(chosen) <= set(VIEWS):
        raise argparse.ArgumentTypeError(
            f"expected all, or some of {', '.join(VIEWS)}, separated by commas; got {text!r}"
        )
    return chosen


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train a small network and watch it learn.")
    parser.add_argument(
        "--dataset",
        choices=["digits", "cifar10", "fashion_mnist"],
        default="digits",
        help="digits comes with scikit-learn; the others are downloaded (default: %(default)s)",
    )
    parser.add_argument(
        "--views",
        type=views,
        default=["kernels"],
        metavar="kernels,patterns",
        help=f"all, or some of {', '.join(VIEWS)} (default: kernels)",
    )
    parser.add_argument(
        "--optimizer",
        choices=["adam", "sgd", "rmsprop"],
        default="adam",
        help="two trainings that start alike are compared by their kernels (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=int, default=10, help="default: %(default)s")
    parser.add_argument(
        "--log-epochs",
        type=epochs,
        default=None,
        metavar="0,1,6,last",
        help="epochs that are drawn (default: 0,1,6,10, as far as there are so many)",
    )
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), help="default: %(default)s")
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs: expected a whole number from 1")
    if options.log_epochs is None:
        options.log_epochs = [epoch for epoch in (0, 1, 6, 10) if epoch <= options.epochs]
    return options


if __name__ == "__main__":
    sys.exit(main())
