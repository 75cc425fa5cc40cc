"""Event files that somebody has rewritten."""

import io

from tensorboard.compat.proto.event_pb2 import Event

from tb_kernels.schema.records import pack_record, read_records


def rewrite(path, change):
    """Changes the summaries of pictures in a file, and packs all anew."""

    def change_summary(event):
        if any(value.tag.startswith("index/") for value in event.summary.value):
            change(event.summary)

    rewrite_events(path, change_summary)


def rewrite_events(path, change):
    """Changes the events of a file, and packs all anew."""
    data = path.read_bytes()
    found = []
    for record in read_records(io.BytesIO(data), len(data)):
        event = Event.FromString(record.data)
        change(event)
        found.append(pack_record(event.SerializeToString()))
    path.write_bytes(b"".join(found))
