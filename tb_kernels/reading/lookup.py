"""One picture, asked for by its address, its tag in TensorBoard or the path of its file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tb_kernels.errors import ArgumentError
from tb_kernels.reading.captions import noun_of
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.picture import Picture
from tb_kernels.schema.naming import KERNELS, VIEWS, Address, parse_tag
from tb_kernels.wording import count, did_you_mean, enumerate_some, ranges, shown

_EXPECTED = "expected a text such as '1_6_10', or an Address, got {0!r}"


class Asked(NamedTuple):
    """Which picture is asked for.

    Attributes:
        address: Its own.
        group: What stands before the address in its tag; None if that was not said.
        view: What it shows.
        run: Which training; None if that was not said.
    """

    address: Address
    group: str | None
    view: str
    run: str | None

    @classmethod
    def of(cls, address: Any, view: str | None, run: str | None) -> Asked:
        """What the arguments of `Log.picture` ask for.

        Raises:
            ArgumentError: If the address is none, or says another view or run than the rest.
        """
        group = in_front = above = None
        if isinstance(address, Address):
            return cls(address, None, KERNELS if view is None else view, run)
        try:
            *folders, last = address.removesuffix(".png").split("/")
            parsed = Address.parse(last)
            if folders and parse_tag(f"{folders[-1]}/{last}") is not None:
                group = folders.pop()
            if folders and folders[-1] in VIEWS:
                in_front = folders.pop()
                above = "/".join(folders) or None
                folders = []
            if folders:
                raise ValueError(
                    f"not an address: {address!r}; expected <layer>_<kernel>_<epoch> such as "
                    "1_6_10, or a tag such as 1-conv2d/1_6_10, perhaps with its view in front"
                )
        except (AttributeError, TypeError, ValueError) as error:
            told = str(error) if isinstance(error, ValueError) else _EXPECTED.format(address)
            raise ArgumentError(f"address: {told}") from None
        view, run = _one_of("view", address, in_front, view), _one_of("run", address, above, run)
        return cls(parsed, group, KERNELS if view is None else view, run)

    def fits(self, picture: Picture) -> bool:
        """Whether a picture of this address is the one that is asked for."""
        same = picture.view == self.view and self.run in (None, picture.run)
        return same and self.group in (None, picture.group)

    def refused(
        self,
        fitting: Sequence[Picture],
        here: Sequence[Picture],
        layers: Sequence[LoggedLayer],
        where: str,
        brief: str,
    ) -> ArgumentError:
        """The error where not one picture is asked for.

        Args:
            fitting: Those that are; none, or several.
            here: All of its address.
            layers: All that there are.
            where: The log's name.
            brief: What there is in it.
        """
        if fitting:
            have = enumerate_some(f"{one.group or one.tag} of run {one.run!r}" for one in fitting)
            several = len({one.run for one in fitting}) > 1
            return ArgumentError(
                f"run: {count(len(fitting), 'picture')} {self.address} of {self.view!r} in "
                f"{shown(where)!r}: {have}; say which with "
                + ("run=" if several else "select(layers=...), by name")
            )
        asked = f"{self.group}/{self.address}" if self.group else str(self.address)
        run = "" if self.run is None else f" and run {self.run!r}"
        return ArgumentError(
            f"address: no picture {asked} of {self.view!r}{run} in {shown(where)!r}; "
            + self._beside(asked, here, layers, brief)
        )

    def _beside(
        self, asked: str, here: Sequence[Picture], layers: Sequence[LoggedLayer], brief: str
    ) -> str:
        """What there is in its place."""
        wrong_group = self._replace(group=None)
        tags = [one.tag for one in here if wrong_group.fits(one)]
        if tags:
            close = did_you_mean(asked, tags).removeprefix("; ")
            return close or f"there is {enumerate_some(dict.fromkeys(tags))}"
        views, runs = {one.view for one in layers}, {one.run for one in layers}
        meant = "" if self.view in views else did_you_mean(self.view, views)
        if self.run is not None and self.run not in runs:
            meant = meant or did_you_mean(self.run, runs)
        if here:
            others = enumerate_some(f"{one.view} of {one.run}" for one in here)
            return f"there is one in {others}{meant}"
        of_layer = [
            one
            for one in layers
            if (one.number, one.view) == (self.address.layer, self.view)
            and self.run in (None, one.run)
            and one.kernels
        ]
        if not of_layer:
            return f"{brief}{meant}"
        kernels = sorted({kernel for one in of_layer for kernel in one.kernels})
        epochs = sorted({epoch for one in of_layer for epoch in one.epochs})
        return (
            f"of layer {self.address.layer} there are {noun_of(self.view)}s {ranges(kernels)} and "
            f"epochs {ranges(epochs)}"
        )


def _one_of(argument: str, address: str, in_front: str | None, given: str | None) -> str | None:
    """The view or the run that is said before the address, or beside it."""
    if in_front is not None and given not in (None, in_front):
        raise ArgumentError(
            f"{argument}: {address!r} is of {argument} {in_front!r}; expected the same, or none "
            f"beside it, got {given!r}"
        )
    return given if in_front is None else in_front
