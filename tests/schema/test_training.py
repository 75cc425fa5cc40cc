"""What an event file says of its training and its layers: what was told is read, and no more."""

import json
import time

import pytest

from tb_kernels.schema.training import (
    UNKNOWN,
    LayerFacts,
    Training,
    layers_in,
    layers_to_json,
    training_in,
)

LAYER = LayerFacts(
    number="3-1",
    name="a",
    kind="Conv2D",
    output_shape=[None, 6, 6, 4],
    makers=[[1, 4, "2", 1], [5, 1, "1", 9]],
)


def test_a_training_comes_back():
    """Every field of it."""
    training = Training(7, "ab", time.time(), 3, {"keras": "3.15"})
    assert training_in(training.to_json().encode()) == training
    for first, keeps in ((0, 0), (1, 0), (2, 2), (9, 9), (None, float("inf"))):
        told = training_in(training._replace(first=first).to_json().encode())
        assert (told.first, told.keeps) == (first, keeps)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("first", [-1, 2**53 + 1, 1.0, True, "1"]),
        ("started", [-1, 2**53 + 1, "1", True, None]),
        ("number", [-1, 0, 2**53 + 1, 1.0, True]),
        ("identifier", [1, None]),
        ("versions", [[], "3", None]),
    ],
)
def test_what_is_wrong_is_unknown(field, wrong):
    """The rest counts all the same."""
    training = Training(7, "ab", 12.5, 3, {"keras": "3.15"})
    for value in wrong:
        text = json.dumps(training._asdict() | {field: value})
        unknown = {} if field == "versions" else getattr(UNKNOWN, field)
        assert training_in(text.encode()) == training._replace(**{field: unknown})


def test_layers_come_back():
    """Also those of logs that do not tell what makes their channels."""
    assert layers_in(layers_to_json([LAYER, LAYER]).encode()) == [LAYER, LAYER]
    older = {key: value for key, value in LAYER.items() if key != "makers"}
    assert layers_in(json.dumps([older]).encode()) == [LAYER | {"makers": []}]
    assert (
        layers_in(json.dumps([LAYER | {"output_shape": None}]).encode())[0]["output_shape"] is None
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": 3},
        {"name": None},
        {"kind": []},
        {"output_shape": [None, "6"]},
        {"output_shape": [True]},
        {"output_shape": 3},
        {"makers": None},
        {"makers": [[1, 4, "2"]]},
        {"makers": [[0, 4, "2", 1]]},
        {"makers": [[1, 0, "2", 1]]},
        {"makers": [[1, 4, "2", 0]]},
        {"makers": [[1, 4, 2, 1]]},
        {"makers": [[1.0, 4, "2", 1]]},
        {"makers": ["1421"]},
        {"other": 1},
    ],
)
def test_a_layer_that_is_wrong_is_none(wrong):
    """The others count all the same."""
    assert layers_in(json.dumps([LAYER | wrong, LAYER, 3, None]).encode()) == [LAYER]
