"""Reports and what is in their figures."""

import numpy as np

from tb_kernels.cli import main


def export(log_dir, out_dir, *options):
    """Exports a log; the files that are there then, below the folder."""
    assert main(["export", str(log_dir), str(out_dir), *map(str, options)]) == 0
    return {str(path.relative_to(out_dir)) for path in out_dir.rglob("*") if path.is_file()}


def find(figure, picture):
    """Where a picture stands in a figure, pixel for pixel; the places as (row, column)."""
    figure = figure[..., :3].astype(int) if figure.ndim == 3 else figure[..., None].astype(int)
    picture = picture[..., None] if picture.ndim == 2 else picture
    height, width = picture.shape[:2]
    corner = (figure[: 1 - height or None, : 1 - width or None] == picture[0, 0]).all(axis=-1)
    return [
        (row, column)
        for row, column in np.argwhere(corner).tolist()
        if (figure[row : row + height, column : column + width] == picture).all()
    ]
