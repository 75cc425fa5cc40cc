"""One event file → what is found in it, record by record, and what is told of its damage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from tb_kernels.errors import reason_of
from tb_kernels.reading.gathering import Gathering
from tb_kernels.reading.sources import Folder, Source, Tell
from tb_kernels.reading.summaries import (
    Foreign,
    Found,
    FoundOurs,
    read_placed,
    read_summaries,
)
from tb_kernels.reading.wire import split_event
from tb_kernels.schema.records import Damage, Record, read_records, read_rest
from tb_kernels.wording import count, shown


class Part(NamedTuple):
    """What of an event file is read: from where to where, and how many bytes of it are checked."""

    start: int
    size: int
    checked: float


def read_file(
    source: Source,
    folder: Folder,
    name: str,
    part: Part,
    gathering: Gathering,
    tell: Tell,
    miss: Tell,
) -> int:
    """Reads a part of an event file, as far as it can be read.

    Args:
        source: The log directory.
        folder: In which the file is.
        name: The file's.
        part: What of it.
        gathering: Is given what is found.
        tell: Is told, in a line each, of what is damaged or none of ours.
        miss: Is told if it cannot be read.

    Returns:
        Where its last whole record ends.
    """
    damaged = foreign = records = 0
    cut = ours = False
    end = part.start
    try:
        with source.open(folder, name) as stream:
            for record in read_records(stream, part.size, end, part.checked):
                if isinstance(record, Damage):
                    damaged, cut = damaged + (not record.at_end), record.at_end
                    if record.at_end:
                        # One that was not read whole may claim what is still being written.
                        end = min(end, record.offset)
                    else:
                        gathering.begin_gap()
                    continue
                end = record.end
                try:
                    for found in _read_record(stream, record, gathering):
                        foreign += isinstance(found, Foreign)
                        ours = ours or isinstance(found, FoundOurs)
                        gathering.add(found)
                    gathering.end_record()
                    records += 1
                except ValueError:
                    damaged += 1
                    gathering.begin_gap()
                # Before the next is read, which may be as large.
                del record
    except OSError as error:
        miss(f"{named(folder, name)}: left out, {error.strerror or reason_of(error)}")
        return end
    for problem in _problems(records, damaged, cut, foreign if ours else 0):
        tell(f"{named(folder, name)}: {problem}")
    return end


def _read_record(stream: BinaryIO, record: Record, gathering: Gathering) -> Iterator[Found]:
    """What is found in a record, which begins with this.

    Raises:
        ValueError: If it is damaged.
    """
    placed = read_placed(record)
    if placed is not None:
        wall_time, index, pictures = placed
        gathering.begin_record(wall_time, len(record.data))
        if gathering.has_room(pictures):
            yield from (index, pictures)
            return
    whole = record if record.whole else read_rest(stream, record)
    if whole is None:
        raise ValueError("damaged")
    parts = split_event(whole.data)
    gathering.begin_record(parts.wall_time, whole.length)
    yield from read_summaries(whole, parts)


def _problems(records: int, damaged: int, cut: bool, foreign: int) -> Iterator[str]:
    whole = f"its {count(records, 'whole record')} {'is' if records == 1 else 'are'} used"
    if not records and (damaged or cut):
        yield "left out, it has no whole record of an event file"
    elif damaged:
        yield f"damaged in {count(damaged, 'place')}; {whole}"
    elif cut:
        yield f"ends within a record, cut off or still being written; {whole}"
    if foreign:
        yield f"{count(foreign, 'image')} of other names or broken left out"


def named(folder: Folder, name: str) -> str:
    """A file's path below the log directory, for people."""
    return shown(name if folder.name == "." else f"{folder.name}/{name}")
