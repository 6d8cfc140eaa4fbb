"""What zero-cost proxies say of one cell, computed now."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

from benchsuite.arguments import checked
from benchsuite.errors import UserError, did_you_mean, shown
from benchsuite.face.tables import folders_of
from benchsuite.notations import plain
from benchsuite.space.network import Skeleton
from benchsuite.space.spellings import cell_of
from benchsuite.table.columns import stem


@dataclass(frozen=True)
class CellScores:
    """Scores of one cell, by proxy: `scores["naswot"]`, or by the full name of an output.

    cell, arch: of the cell; scored_as: the architecture string of its functional class'
    representative, which is what is computed; scores: by full name, None where missing; missing:
    why; seconds: processor seconds by what they were spent on; settings: all that the scores are a
    function of, besides cell and repeat; repeat: which weights and batches; device: what computed;
    notes: which scores need another precision, and what they do not compare with.
    """

    cell: int
    arch: str
    scored_as: str
    scores: Mapping[str, float | None]
    missing: Mapping[str, str]
    seconds: Mapping[str, float]
    settings: Mapping[str, Any]
    repeat: int
    device: str
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> float:
        """Return the score of a proxy or output, NaN where missing; UserError if there is none."""
        short = {stem(full): full for full in self.scores}
        known = short | {full: full for full in self.scores}
        full = known.get(name) if isinstance(name, str) else None
        if full is None:
            raise UserError(
                f"There is no score {shown(name)}; there are {', '.join(short)}."
                + did_you_mean(name, short)
            )
        value = self.scores[full]
        return float("nan") if value is None else value

    def to_json(self) -> dict[str, Any]:
        """Return the scores as plain values, as `benchsuite score --json` prints them."""
        known = plain(dataclasses.asdict(self))
        return {name: value for name, value in known.items() if name != "repeat"}

    def __repr__(self) -> str:
        from benchsuite.face.facts_text import arch_lines
        from benchsuite.reporting.quantities import digits
        from benchsuite.terminal import wrapped

        lines = [f"cell {self.cell}", *arch_lines(self.arch)]
        if self.scored_as != self.arch:
            lines += ["scored as the same function", *arch_lines(self.scored_as)]
        lines += [""]
        width = max(map(len, self.scores))
        for name, value in self.scores.items():
            text = f"missing: {self.missing[name]}" if value is None else digits(value)
            lines += wrapped(f"{name:{width}}  {text}", indent=" " * (width + 2))
        batch, seed = self.settings["batch"], self.settings["seed"]
        pixels, dtype = self.settings["skeleton"]["resolution"], self.settings["dtype"]
        shown = f"{batch['size']} images ({batch['images']}) of {pixels}x{pixels} pixels, {dtype}"
        on = "" if self.device == "cpu" else f", on {self.device}"
        about = f"{shown}, seed {seed}, repeat {self.repeat}{on}"
        return "\n".join([*lines, *(part for one in (about, *self.notes) for part in wrapped(one))])


@checked
def score(
    cell: Any,
    proxies: str | Sequence[str] = (),
    *,
    channels: int = 16,
    cells_per_stage: int = 5,
    resolution: int = 32,
    classes: int = 10,
    batch_size: int = 32,
    seed: int = 0,
    repeat: int = 0,
    images: str | PathLike[str] | None = None,
    dtype: str = "float32",
    unpruned: bool = False,
    device: str = "cpu",
    plugins: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
) -> CellScores:
    """Return what zero-cost proxies say of a cell, on weights and a batch drawn by the seed.

    cell: as `cell` takes it; proxies: names, all that score networks by default; channels,
    cells_per_stage, resolution [pixels], classes: of the network; batch_size: images; images: a
    CIFAR folder, an .npz file, `synthetic` or `gaussian`, by default what BENCHSUITE_IMAGES names,
    else synthetic; dtype: float32 or float64; unpruned: with dead operators; device: cpu, cuda
    or mps (docs/gpu.md). Raises UserError for what is not there, PluginError where a proxy fails.

    >>> import benchsuite as bs
    >>> small = dict(channels=4, cells_per_stage=1, resolution=8, batch_size=4)
    >>> found = bs.score(6111, ["plain", "l2_norm"], **small)
    >>> found["l2_norm"] > 0
    True
    """
    from benchsuite.proxies._scoring.images import say_stand_in
    from benchsuite.proxies._scoring.passes import representative
    from benchsuite.proxies._tabulation import tabulate
    from benchsuite.proxies._tabulation.spec import Spec, defaults

    folders = folders_of(plugins)
    names = (proxies,) if isinstance(proxies, str) else tuple(proxies)
    spec = Spec(
        proxies=names or defaults(folders, device, unpruned=unpruned),
        skeleton=Skeleton(channels, cells_per_stage, resolution, classes),
        batch_size=batch_size,
        seed=seed,
        images=None if images is None else str(images),
        plugin_folders=folders,
        dtype=dtype,
        unpruned=unpruned,
        device=device,
    )
    wanted = cell_of(cell)
    say_stand_in(spec.images)
    scored_as = wanted if unpruned else representative(wanted)
    row = tabulate.score_row(spec, scored_as.index, repeat)
    tabulate.report_failures([row], by_name=bool(names))
    settings = spec.settings()
    return CellScores(
        cell=wanted.index,
        arch=wanted.arch,
        scored_as=scored_as.arch,
        scores=row["values"],
        missing=row["reasons"],
        seconds=row["seconds"],
        settings=settings,
        repeat=repeat,
        device=row["device"],
        notes=(*spec.rounded(), *_not_compared(settings)),
    )


def _not_compared(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield the sentence that says which settings of the suite's scores are others."""
    from benchsuite.assembly.other_settings import differences
    from benchsuite.assembly.shipped import settings as of_the_suite

    found = differences(settings, of_the_suite())
    parts = [
        f"{name}: {what}" + f" ({', '.join(of)})" * (len(of) < len(settings["proxies"]))
        for (name, what), of in found.items()
    ]
    if parts:
        yield (
            "Not to be compared with the table's scores, which were made with other settings: "
            f"{'; '.join(parts)}."
        )
