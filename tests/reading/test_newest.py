"""Of several trainings in one directory the newest counts, whatever clocks and names say."""

import numpy as np
import pytest
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from tb_kernels import KernelLogger, LogWarning, open_log
from tb_kernels.drawing import png
from tb_kernels.schema.records import pack_record
from tb_kernels.schema.training import Training, training_in
from tb_kernels.writing import events
from tb_kernels.writing.disk import Disk
from tb_kernels.writing.events import EventFile, image_value, scalar_value

PICTURES = [png.encode(np.full((4, 4, 1), level, np.uint8)) for level in (0, 255)]


def file_of_0_1_0(folder, name, wall_time, level):
    """An event file as version 0.1.0 wrote it, of one picture and one point of a curve."""
    values = [
        image_value("1-c/1_1_1", PICTURES[level], 4, 4, "", ""),
        scalar_value("1-c/kernel_norm", level),
    ]
    written = [
        Event(wall_time=wall_time, file_version="brain.Event:2"),
        Event(wall_time=wall_time, step=0, summary=Summary(value=values)),
    ]
    folder.mkdir(exist_ok=True)
    data = b"".join(pack_record(event.SerializeToString()) for event in written)
    (folder / f"events.out.tfevents.{name}").write_bytes(data)


def newest(log_dir):
    """Which picture and which point of the curve count."""
    log = open_log(log_dir)
    level = log.picture("1_1_1").pixels().max() // 255
    point = log.scalars()["kernels"]["1-c/kernel_norm"].values.tolist()
    return level, point


@pytest.mark.filterwarnings("ignore::tb_kernels.LogWarning")
def test_numbers_of_processes_are_no_texts(tmp_path):
    """Two files of one second, by the processes 9 and 10: the second one's time decides."""
    file_of_0_1_0(tmp_path / "kernels", "1700000000.host.9.000000", 1_700_000_000.2, 0)
    file_of_0_1_0(tmp_path / "kernels", "1700000000.host.10.000000", 1_700_000_000.8, 1)
    assert newest(tmp_path) == (1, [1.0])


@pytest.mark.filterwarnings("ignore::tb_kernels.LogWarning")
def test_a_file_of_today_is_newer_than_one_of_0_1_0(tmp_path):
    """Even where the clock was a year ahead then."""
    file_of_0_1_0(tmp_path / "kernels", "1900000000.host.9.000000", 1_900_000_000.0, 0)
    values = [
        image_value("1-c/1_1_1", PICTURES[1], 4, 4, "", ""),
        scalar_value("1-c/kernel_norm", 1),
    ]
    EventFile(tmp_path / "kernels", Disk()).append(values, 0)
    assert newest(tmp_path) == (1, [1.0])
    # TensorBoard reads the files in the order of their names.
    assert "tfevents.1900000001." in max(path.name for path in (tmp_path / "kernels").iterdir())


def test_a_clock_that_is_set_back(model, tmp_path, monkeypatch):
    """The second training counts, here and in TensorBoard, each curve's point too."""
    kernel = model.layers[0].kernel
    for clock, value in ((2_000_000_000.0, 1.0), (1_000_000_000.0, 2.0)):
        monkeypatch.setattr(events.time, "time", lambda clock=clock: clock)
        kernel.assign(np.full(kernel.shape, value))
        with KernelLogger(tmp_path, normalize=(0, 4)) as logger:
            logger.log(model, 1)
    log = open_log(tmp_path)
    assert log.picture("1_1_1").weights().mean() == pytest.approx(2, abs=0.01)
    norm = log.scalars()["kernels"]["1-first/kernel_norm"].values
    np.testing.assert_allclose(norm, [2 * np.sqrt(kernel.shape[0] * kernel.shape[1] * 3)])
    shown = EventAccumulator(str(tmp_path / "kernels"))
    shown.Reload()
    (event,) = shown.Tensors("1-first/1_1_1")[-1:]
    assert event.tensor_proto.string_val[2] == log.picture("1_1_1").png


def test_a_number_that_a_stranger_made_up():
    """What is no number counts as none."""
    texts = ["", "[]", "{}", '{"number": -1}', '{"number": 1e3}', '{"number": true}', '{"number": 1' + "0" * 400 + "}"]  # fmt: skip
    assert [training_in(text.encode()).number for text in texts] == [0] * len(texts)
    assert training_in(b'{"number": 7}').number == 7
    assert training_in(b'{"number": 9007199254740992}').number == 2**53
    assert training_in(b'{"number": 9007199254740993}').number == 0
    assert training_in(b"[" * 100_000).number == 0


def test_a_training_in_words(tmp_path, model):
    """What a person asks of it, and nothing of where that lies."""
    with KernelLogger(tmp_path) as logger:
        logger.log(model, 1)
    (training,) = open_log(tmp_path).trainings
    told = repr(training)
    assert told.startswith(f"LoggedTraining(run='.', identifier='{training.identifier}', started=")
    assert told.endswith("views=['kernels'])")


@pytest.mark.parametrize("versions", [{}, {"one": "1"}, {"one": "1", "two": "2", "three": "3"}])
@pytest.mark.parametrize("silent", ["kernels", "activations"])
def test_of_its_views_the_one_that_tells_most(tmp_path, versions, silent):
    """One may not know yet with which epoch the training begins."""
    for view in ("kernels", "activations"):
        training = Training(0, "same", 7.0, None if view == silent else 5, versions)
        picture = image_value("1-c/1_1_5", PICTURES[0], 4, 4, "", "")
        EventFile(tmp_path / view, Disk(), training).append([picture], 5)
    with pytest.warns(LogWarning, match="without the index"):
        (found,) = open_log(tmp_path).trainings
    assert (found.first, dict(found.versions), set(found.views)) == (5, versions, {"kernels", "activations"})  # fmt: skip
