"""The index as it is written."""

import json

from tb_kernels.schema.index import to_json


def test_an_index_says_of_which_format_view_and_epoch_it_is():
    """Readers of other versions go by the number."""
    assert json.loads(to_json("kernels", 7, [])) == {
        "format": 2,
        "view": "kernels",
        "epoch": 7,
        "layers": [],
    }
