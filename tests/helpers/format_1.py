"""Event files as version 0.1.0 wrote them: one index for an epoch, behind its pictures."""

import json
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from tb_kernels.schema.records import pack_record, read_records
from tb_kernels.schema.training import LAYERS_TAG, TRAINING_TAG
from tb_kernels.writing.events import text_value

SHEET_FIELDS = ("low", "high", "scale", "columns", "gap", "stacked", "colormap")


def entry_1(entries):
    """The entry of a layer, its kernels' and its sheet's in one."""
    kernels = [entry for entry in entries if entry["pictures"] != "sheet"]
    sheets = [entry for entry in entries if entry["pictures"] == "sheet"]
    joined = {field: value for field, value in kernels[0].items() if field != "stacked"}
    joined["drawn"] = [number for entry in kernels for number in entry["drawn"]]
    if isinstance(kernels[0]["low"], list):
        if joined["pictures"] == "slices":
            # Then there was a pair for each kernel, which its slices share.
            count = joined["kernels"]
            ends = {end: kernels[0][end][:count] for end in ("low", "high")}
        else:
            ends = {
                end: [one for entry in kernels for one in entry[end]] for end in ("low", "high")
            }
        joined |= ends
    most = joined["kernels"] * (joined["slices"] if joined["pictures"] == "slices" else 1)
    if joined["drawn"] == list(range(1, most + 1)):
        joined["drawn"] = None
    joined["sheet"] = {field: sheets[0][field] for field in SHEET_FIELDS} if sheets else None
    return joined


def rewrite(path):
    """Makes of an event file of today, which lies alone in its folder, one of 0.1.0.

    Returns:
        The offsets at which its records end, those of indexes marked.
    """
    path = Path(path)
    written, layers, epoch, step, now = [], {}, None, 0, 0.0

    def index():
        text = json.dumps({"format": 1, "view": "kernels", "epoch": epoch, "layers": [entry_1(entries) for entries in layers.values()]})  # fmt: skip
        value = text_value(f"index/{epoch}", text)
        return Event(wall_time=now, step=step, summary=Summary(value=[value]))

    with path.open("rb") as stream:
        records = list(read_records(stream, path.stat().st_size))
    for record in records:
        event = Event.FromString(record.data)
        values = list(event.summary.value)
        if values and values[0].tag in (TRAINING_TAG, LAYERS_TAG):
            continue
        told = [json.loads(v.tensor.string_val[0]) for v in values if v.tag.startswith("index/")]
        if told and layers and told[0]["epoch"] != epoch:
            written.append((index(), True))
            layers = {}
        for one in told:
            epoch, step, now = one["epoch"], event.step, event.wall_time
            for entry in one["layers"]:
                layers.setdefault((entry["number"], entry["group"]), []).append(entry)
        if values:
            kept = [value for value in values if not value.tag.startswith("index/")]
            event = Event(wall_time=event.wall_time, step=event.step, summary=Summary(value=kept))
        written.append((event, False))
    if layers:
        written.append((index(), True))
    data, ends = b"", []
    for event, is_index in written:
        data += pack_record(event.SerializeToString())
        ends.append((len(data), is_index))
    path.write_bytes(data)
    return ends
