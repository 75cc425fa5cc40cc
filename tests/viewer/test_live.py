"""A log that is looked at again and again is looked through at most once a second."""

import time

from tb_kernels import KernelLogger
from tb_kernels.reading.local_source import LocalSource
from tb_kernels.viewer.live import LiveLog


class Counted(LocalSource):
    looked = 0

    def folders(self, tell):
        self.looked += 1
        return super().folders(tell)


def test_what_was_added_is_seen_a_second_later(tmp_path, model):
    """Not sooner: a page asks a dozen questions at once."""
    source = Counted(str(tmp_path), str(tmp_path))
    live = LiveLog(lambda: source)
    with KernelLogger(tmp_path, strict=True) as logger:
        logger.log(model, 1)
        logger.flush()
        began = time.monotonic()
        first = live()
        logger.log(model, 2)
        logger.flush()
        again = [live() for _ in range(50)]
        if time.monotonic() - began < 1:
            assert source.looked == 1
            assert all(one is first for one in again)
        time.sleep(1.1)
        assert live().epochs == [1, 2]
        assert first.epochs == [1]
        assert source.looked >= 2
