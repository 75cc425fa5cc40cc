"""The event file: what TensorFlow and TensorBoard read of it, and what survives a failed write."""

import contextlib
import os
import resource
import signal
import threading
from pathlib import Path

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

from tb_kernels.schema.records import pack_record
from tb_kernels.schema.training import training_in
from tb_kernels.writing.disk import Disk
from tb_kernels.writing.events import EventFile, image_value, text_value
from tests.helpers.oracle import read_values


def values(count, size=100):
    return [
        image_value(f"a/{i}", b"x" * size, 3, 4, title=str(i), description="") for i in range(count)
    ]


def read_events(path):
    records = tf.data.TFRecordDataset(str(path))  # TensorFlow verifies both checksums
    return [tf.compat.v1.Event.FromString(record.numpy()) for record in records]


def test_file_begins_with_version_and_start(tmp_path):
    """First the version, then the start of a session at the first step, then what was written."""
    events = EventFile(tmp_path, Disk())
    events.append(values(2), step=-1)
    events.append([text_value("index/0", "{}")], step=-1)
    events.append(values(1), step=4)
    version, start, training, *rest = read_events(events.path)
    assert version.file_version == "brain.Event:2"
    assert start.session_log.status == tf.compat.v1.SessionLog.START
    assert start.step == training.step == -1
    (told,) = training.summary.value
    assert training_in(told.tensor.string_val[0]).number == 1
    assert [event.step for event in rest] == [-1, -1, 4]
    assert [len(event.summary.value) for event in rest] == [2, 1, 1]


@pytest.mark.parametrize("data", [b"\xff" * 9, b"", b"\x0a\x7f"], ids=["noise", "empty", "cut off"])
def test_a_strangers_record_has_no_number(tmp_path, data):
    """One that is whole and no event; the training is the first there all the same."""
    (tmp_path / "events.out.tfevents.1.stranger").write_bytes(pack_record(data))
    events = EventFile(tmp_path, Disk())
    events.append(values(1), step=0)
    assert events.training.number == 1


def test_nothing_exists_before_the_first_write(tmp_path):
    """A training that logs nothing leaves no empty event file."""
    EventFile(tmp_path, Disk())
    assert not list(tmp_path.iterdir())


def test_file_that_was_deleted_begins_anew(tmp_path):
    """Somebody clears the directory during training: later epochs are readable all the same."""
    events = EventFile(tmp_path, Disk())
    events.append(values(1), step=0)
    Path(events.path).unlink()
    events.append(values(1), step=1)
    version, start, _, event = read_events(events.path)
    assert version.file_version
    assert (start.step, event.step) == (1, 1)


def test_files_of_one_process_sort_by_age(tmp_path):
    """TensorBoard reads the files of a run in the order of their names."""
    disk, paths = Disk(), []
    for _ in range(12):
        events = EventFile(tmp_path, disk)
        events.append(values(1), step=0)
        paths.append(events.path)
    assert sorted(paths) == paths
    assert len(set(paths)) == 12
    numbers = [
        training_in(read_events(path)[2].summary.value[0].tensor.string_val[0]).number
        for path in paths
    ]
    assert numbers == list(range(1, 13))


@pytest.fixture
def limited_files():
    """Lets no file grow past 4,096 bytes: the system's own error, with half the data written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_write_that_fails_half_way_leaves_no_trace(tmp_path, limited_files):
    """What came before stays readable, and what comes after is."""
    limited_files()  # also those of the hand, which inherits the bound
    events = EventFile(tmp_path, Disk())
    events.append(values(1), step=0)
    whole = Path(events.path).read_bytes()
    with pytest.raises(OSError, match="too large"):
        events.append(values(1, size=10_000), step=1)
    assert Path(events.path).read_bytes() == whole
    events.append(values(2), step=2)
    assert [step for step, _ in read_values(tmp_path)] == [0, 0, 2, 2]


def test_rerun_shows_the_new_pictures(tmp_path):
    """Two trainings in one run: TensorBoard shows the second's, from its first step on."""
    for training, steps in enumerate((range(4), range(2))):
        events = EventFile(tmp_path, Disk())
        for step in steps:
            png = b"%d" % training
            events.append([image_value(f"a/{step}", png, 1, 1, "", "")], step)
    reader = EventAccumulator(str(tmp_path))
    reader.Reload()
    shown = {
        (tag, event.step, event.tensor_proto.string_val[2])
        for tag in reader.Tags()["tensors"]
        if tag.startswith("a/")
        for event in reader.Tensors(tag)
    }
    assert shown == {("a/0", 0, b"1"), ("a/1", 1, b"1")}


def test_a_hand_that_is_killed_in_the_first_write(tmp_path):
    """What it has begun is cut off: TensorBoard reads what is written after it."""
    for attempt in range(30):
        disk = Disk()
        disk.call("heads", str(tmp_path), patience=10)
        events = EventFile(tmp_path / str(attempt), disk)
        thread = threading.Thread(target=_append_and_fail, args=[events])
        thread.start()
        while not events.path or not Path(events.path).is_file() or not Path(events.path).stat().st_size:  # fmt: skip
            if not thread.is_alive():
                break
        os.kill(disk._hand._process.pid, signal.SIGKILL)
        thread.join()
        size = Path(events.path).stat().st_size
        if 0 < size < 60_000_000:
            break
    else:
        pytest.skip("every write was done before the hand was killed")
    for step in (1, 2):
        events.append(values(1), step=step)
    assert [event.step for event in read_events(events.path)][3:] == [1, 2]


def test_hands_that_are_killed_one_after_the_other(tmp_path):
    """What each has left is cut off, not only what the first has."""
    disk = Disk()
    events = EventFile(tmp_path, disk)
    events.append(values(1), step=0)
    for step in (1, 3, 5):
        os.kill(disk._hand._process.pid, signal.SIGKILL)
        disk._hand._process.wait()
        with Path(events.path).open("ab") as stream:
            stream.write(b"half a record")
        with pytest.raises(OSError, match=r"the process that writes has ended|Broken pipe"):
            events.append(values(1), step=step)
        events.append(values(1), step=step + 1)
    assert [event.step for event in read_events(events.path)][3:] == [0, 2, 4, 6]


def _append_and_fail(events):
    with contextlib.suppress(OSError):
        events.append(values(1, size=60_000_000), step=0)
