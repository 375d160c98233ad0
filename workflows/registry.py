"""Which file a logical model is, in which variants, and where each comes from: `models.toml`, read once. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import Field as Constraint

from workflows.change import Frozen
from workflows.errors import StudioError

FILE = Path(__file__).parent / "models.toml"
HUB_PAGE = "https://huggingface.co"
PICKS = ("bf16", "fp8", "nvfp4")
"""The choices of a variant for all models at once; each model has the one that suits it, or its first."""


class Variant(Frozen):
    """One file that a logical model may be.

    `bytes` is the size as published, rounded, None where nobody did; `min_vram_gb` the least GPU memory in GB on which
    it is reported to run, 0 where nothing is. `path` is that within `repo` at `revision`; `folder` is the folder within
    ComfyUI's models folder, `file` the name there. `unusable` says why the graphs' loaders can't read it.
    """

    name: str
    repo: str
    path: str
    folder: str
    licence: str = ""
    revision: str = "main"
    bytes: int | None = None
    gated: bool = False
    min_vram_gb: float = 0.0
    picked_for: tuple[str, ...] = ()
    unusable: str = ""

    @property
    def file(self) -> str:
        """The file's own name, as loaders list it."""
        return basename(self.path)

    @property
    def page(self) -> str:
        """The repository's page, where a licence is accepted."""
        return f"{HUB_PAGE}/{self.repo}"

    @property
    def url(self) -> str:
        """Where the file can be had."""
        return f"{self.page}/resolve/{self.revision}/{self.path}"


class Model(Frozen):
    """A logical model. The first of its variants is the one that the built-in graphs name."""

    name: str
    title: str
    variants: tuple[Variant, ...] = Constraint(min_length=1)

    def usable(self) -> tuple[Variant, ...]:
        """The variants that the graphs' loaders read as they are."""
        return tuple(variant for variant in self.variants if not variant.unusable)

    def variant(self, name: str) -> Variant:
        """The variant of that name. Raises StudioError `value_not_offered` or `variant_unusable`."""
        found = next((variant for variant in self.variants if variant.name == name), None)
        if found is None:
            known = ", ".join(variant.name for variant in self.usable())
            raise StudioError("value_not_offered", field="variant", title=self.title, value=name, known=known)
        if found.unusable:
            raise StudioError("variant_unusable", title=self.title, value=name, reason=found.unusable)
        return found


@dataclass(frozen=True)
class Listed:
    """What the registry knows of a file name."""

    model: Model
    variant: Variant


@cache
def models() -> tuple[Model, ...]:
    """Every logical model, in the registry's order."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(_model(name, table) for name, table in tables.items())


def _model(name: str, table: Mapping[str, object]) -> Model:
    variants = table["variants"]
    assert isinstance(variants, list)
    shared = {key: table[key] for key in ("folder", "licence") if key in table}
    rest = {key: value for key, value in table.items() if key not in ("folder", "licence", "variants")}
    return Model.model_validate({"name": name, **rest, "variants": [{**shared, **variant} for variant in variants]})


def basename(name: str) -> str:
    """A file's name without the folders before it, whichever slash a server writes."""
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def model(name: str) -> Model:
    """The logical model of that name. Raises StudioError `value_not_offered`."""
    for found in models():
        if found.name == name:
            return found
    known = ", ".join(one.name for one in models())
    raise StudioError("value_not_offered", field="variant", title="The model", value=name, known=known)


@cache
def _by_file() -> Mapping[str, Listed]:
    return {variant.file: Listed(one, variant) for one in models() for variant in one.variants}


def lookup(file: str) -> Listed | None:
    """What is known of a file by its name, in whichever subfolder it lies; None where nothing is."""
    return _by_file().get(basename(file))


def stand_ins(file: str) -> tuple[str, ...]:
    """Names of the other files that do the same job in the same loader, in the registry's order."""
    found = lookup(file)
    if found is None or found.variant.unusable:
        return ()
    return tuple(other.file for other in found.model.usable() if other != found.variant)


def pick(model: Model, choice: str) -> Variant:
    """The variant of a model that a choice for all models means: the one picked for it, else the first."""
    return next((variant for variant in model.usable() if choice in variant.picked_for), model.variants[0])


def choice_for(memory_gb: float, *, fp4: bool = False, fp8: bool = True) -> str:
    """The choice of `PICKS` that suits a GPU: `memory_gb` in GB, 0 where unknown; whether it computes in fp4 and fp8.

    bf16 where the checkpoint is reported to run from that much memory on, and where the GPU has no fp8. A GPU that has
    fp4 and too little memory to hold the fp8 checkpoint streams the smaller file.
    """
    checkpoint = models()[0]
    if not fp8 or memory_gb >= checkpoint.variant("bf16").min_vram_gb:
        return "bf16"
    size = (checkpoint.variant("fp8").bytes or 0) / 1e9
    return "nvfp4" if fp4 and 0 < memory_gb < size else "fp8"
