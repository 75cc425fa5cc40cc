"""Every view on a model that two replicas trained: run by test_zoo.py."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

from tests.helpers import zoo


def main():
    """Prints the names of the views that were right."""
    (device,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
    keras.utils.set_random_seed(3)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert strategy.num_replicas_in_sync == 2
    with strategy.scope():
        case = zoo.sequential()
    case.model.fit(case.x, case.y, batch_size=4, verbose=0)
    for name, check in zoo.CHECKS.items():
        check(case)
        print(name)


if __name__ == "__main__":
    main()
