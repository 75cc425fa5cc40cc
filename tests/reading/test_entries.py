"""What is wrong in an index costs the layer that it stands at, and no other."""

import contextlib
import json
import sys
import warnings

import numpy as np
import pytest

from tb_kernels import LogError, LogWarning, open_log
from tb_kernels.drawing import png
from tb_kernels.reading.entries import parse_index
from tb_kernels.reading.indexes import _size
from tb_kernels.writing.disk import Disk
from tb_kernels.writing.events import EventFile, image_value, text_value

PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8)
EXPECTED = PIXELS / 255 * 2 - 1

LAYOUT = {"low": -1.0, "high": 1.0, "scale": 1, "columns": 1, "gap": 1, "colormap": "gray"}
ENTRY = {
    **LAYOUT, "name": "conv", "kind": "Conv2D", "shape": [8, 8, 1, 1], "axes": "hwio",
    "kernels": 1, "slices": 1, "tile": [8, 8], "pictures": "kernels", "drawn": [1],
    "normalize": "layer",
}  # fmt: skip
SHEET = LAYOUT | {"stacked": False}
ENTRIES = {1: ENTRY | {"sheet": SHEET}, 2: ENTRY | {"stacked": False}}

WRONG = {
    "nothing": None,
    "null": "null",
    "an object": "{}",
    "lists in lists": "[[[[]]]]",
    "a text": '"\\u0000x"',
    "a huge number": "1" + "0" * 400,
    "a negative number": "-7",
    "no number": "NaN",
    "a list of null": "[null]",
}


def entry(format_, layer):
    return ENTRIES[format_] | {"number": str(layer), "group": f"{layer}-conv"}


def write(log_dir, format_, wrong):
    """Layers 1 and 2 at epochs 1 and 2; `wrong` is the text of the first entry at the first."""
    events = EventFile(log_dir / "kernels", Disk())
    for epoch in (1, 2):
        first = wrong if epoch == 1 else json.dumps(entry(format_, 1))
        texts = f"[{first}, {json.dumps(entry(format_, 2))}]"
        index = text_value(f"index/{epoch}", f'{{"format": {format_}, "layers": {texts}}}')
        data = png.encode(PIXELS[..., None])
        pictures = [
            image_value(f"{layer}-conv/{layer}_1_{epoch}", data, 8, 8, "", "") for layer in (1, 2)
        ]
        # In format 1 the index stands in a record of its own behind the pictures.
        for record in [pictures, [index]] if format_ == 1 else [[index, *pictures]]:
            events.append(record, epoch)


def read(log_dir):
    """The weights by address; None where there are none."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LogWarning)
        log = open_log(log_dir)
        for picture in log:
            assert np.array_equal(picture.pixels(), PIXELS)
            try:
                found[str(picture.address)] = picture.weights()
            except LogError:
                found[str(picture.address)] = None
            # The whole layer, which has this one kernel, is the same, or refused in words.
            layer, _, epoch = picture.address
            with contextlib.suppress(LogError):
                whole = log.weights(layer, epoch)
                assert np.array_equal(whole.values[0], found[str(picture.address)])
    return found


def cases():
    for format_, fields in ENTRIES.items():
        for field in (*fields, "number", "group"):
            for case in WRONG:
                yield pytest.param(format_, field, case, id=f"{format_}-{field}-{case}")


@pytest.mark.parametrize(("format_", "field", "case"), list(cases()))
def test_a_wrong_field_costs_its_entry(tmp_path, format_, field, case):
    """Whichever it is, and whatever stands there; what the entry can still mean is not wrong."""
    right = entry(format_, 1)
    texts = [f'"{name}": {json.dumps(value)}' for name, value in right.items() if name != field]
    if WRONG[case] is not None:
        texts.append(f'"{field}": {WRONG[case]}')
    write(tmp_path, format_, f"{{{', '.join(texts)}}}")
    found = read(tmp_path)
    assert sorted(found) == ["1_1_1", "1_1_2", "2_1_1", "2_1_2"]
    costs = found.pop("1_1_1")
    for weights in found.values():
        assert np.allclose(weights, EXPECTED)
    if WRONG[case] is None:
        assert costs is None


def test_no_entry_takes_more_than_is_reckoned():
    """Also one with a name of letters that take four bytes each: how many are kept is bounded."""
    told = entry(2, 1) | {"name": "\N{GRINNING FACE}" * 5000}
    (found,) = parse_index(json.dumps({"format": 2, "layers": [told]}).encode(), pytest.fail)
    assert _size(found) >= sys.getsizeof(found["name"]) > 20_000


@pytest.mark.parametrize("format_", ENTRIES)
@pytest.mark.parametrize("wrong", WRONG.values())
def test_a_wrong_entry_costs_itself(tmp_path, format_, wrong):
    """Also if it is no object at all."""
    write(tmp_path, format_, wrong or "{}")
    found = read(tmp_path)
    assert [name for name, weights in found.items() if weights is None] == ["1_1_1"]


def test_very_many_wrong_entries_are_told_in_few_lines(tmp_path):
    """The first ones, and how many more."""
    write(tmp_path, 2, ", ".join(["{}"] * 5000))
    picture = open_log(tmp_path).picture("2_1_1")
    with pytest.warns(LogWarning) as told:
        assert np.allclose(picture.weights(), EXPECTED)
    assert len(told) == 9
    assert "4,992 more are wrong" in str(told[-1].message)


@pytest.mark.parametrize("more", [0, 1])
def test_an_index_of_the_largest_size(tmp_path, more):
    """It is read; of one with a byte more the pixels are."""
    text = f'{{"format": 2, "layers": [{json.dumps(entry(2, 1))}]}}'.ljust(8_000_000 + more)
    picture = image_value("1-conv/1_1_1", png.encode(PIXELS[..., None]), 8, 8, "", "")
    EventFile(tmp_path / "kernels", Disk()).append([text_value("index/1", text), picture], 1)
    if not more:
        assert np.allclose(read(tmp_path)["1_1_1"], EXPECTED)
        return
    picture = open_log(tmp_path).picture("1_1_1")
    assert np.array_equal(picture.pixels(), PIXELS)
    with (
        pytest.warns(LogWarning, match="expected at most 8,000,000 bytes, got 8,000,001"),
        pytest.raises(LogError, match="the index of epoch 1 does not tell of 1_1_1"),
    ):
        picture.weights()


EXAMPLES = {"axes": "oehwi", "shape": [1, 2, 4, 8, 1], "slices": 2, "tile": [4, 8], "gap": 0}


@pytest.mark.parametrize("means", [[1.0, 2.0], [], "x"])
def test_means_of_examples_that_do_not_fit(tmp_path, means):
    """They cost their picture's weights, and nothing else."""
    write(tmp_path, 2, json.dumps(entry(2, 1) | EXAMPLES | {"means": means}))
    assert [name for name, weights in read(tmp_path).items() if weights is None] == ["1_1_1"]


def test_the_last_of_the_examples_is_on_the_scale_of_the_mean(tmp_path):
    """The others are on that of the layer."""
    write(tmp_path, 2, json.dumps(entry(2, 1) | EXAMPLES | {"means": [3.0]}))
    example, mean = read(tmp_path)["1_1_1"][0]
    assert np.allclose(example, EXPECTED[:4])
    assert np.allclose(mean, 3 * EXPECTED[4:])


def test_on_a_sheet_of_examples_each_mean_is_on_its_own_scale(tmp_path):
    """A kernel below the other, its example and its mean beside each other."""
    sheet = EXAMPLES | {"pictures": "sheet", "kernels": 2, "shape": [2, 2, 4, 4, 1], "tile": [4, 4], "columns": 2}  # fmt: skip
    write(tmp_path, 2, json.dumps(entry(2, 1) | sheet | {"means": [3.0, 5.0]}))
    found = open_log(tmp_path).picture("1_1_1").weights()
    for kernel, (reach, rows) in enumerate(((3, EXPECTED[:4]), (5, EXPECTED[4:]))):
        assert np.allclose(found[kernel, 0, 0], rows[:, :4])
        assert np.allclose(found[kernel, 0, 1], reach * rows[:, 4:])
