"""What a user of the built wheel has: types, a light import, a logger that works."""

import importlib.metadata
import pathlib
import sys
import tempfile

import tb_kernels

package = pathlib.Path(tb_kernels.__file__).parent
if "site-packages" not in package.parts:
    sys.exit(f"not the installed wheel: {package}")
if not (package / "py.typed").is_file():
    sys.exit("py.typed is missing from the wheel")
if heavy := {"tensorflow", "keras", "matplotlib"} & set(sys.modules):
    sys.exit(f"importing tb_kernels imported {heavy}")

for name in tb_kernels.__all__:
    getattr(tb_kernels, name)

(plugin,) = importlib.metadata.entry_points(group="tensorboard_plugins", name="tb_kernels")
if plugin.load().plugin_name != "tb_kernels":
    sys.exit("TensorBoard finds no tab")

import keras
import numpy as np

from tb_kernels.cli import main

model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
model.compile("sgd", "mse")
expected = sorted(f"1_{kernel}_{epoch}.png" for kernel in range(1, 5) for epoch in (0, 2))
with tempfile.TemporaryDirectory() as log_dir, tempfile.TemporaryDirectory() as report:
    logger = tb_kernels.KernelLogger(log_dir, epochs=[0, 2], colormap="viridis", strict=True)
    x = np.zeros((8, 8, 8, 3))
    model.fit(x, np.zeros((8, 6, 6, 4)), epochs=2, verbose=0, callbacks=[logger])
    names = sorted(path.name for path in pathlib.Path(log_dir).rglob("*.png"))
    if names != expected:
        sys.exit(f"the logger wrote {names}, not {expected}")
    log = tb_kernels.open_log(log_dir)
    if sorted(f"{picture.address}.png" for picture in log) != expected:
        sys.exit(f"open_log found {list(log)}")
    if main(["export", log_dir, report]) or not pathlib.Path(report, "index.html").is_file():
        sys.exit("the report was not made")
print("the wheel works")
