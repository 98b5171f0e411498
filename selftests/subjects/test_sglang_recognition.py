"""SGLang's releases are recognised by their code, on made-up files of ours; what is missing is said in one sentence."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from suite.contract.subject import AdapterBroken
from suite.subjects.sglang.columns import dialects_of
from suite.subjects.sglang.dialect import PATCHES, TILES, RunnerFile, dialect_of
from suite.subjects.sglang.release import Release, installed
from suite.subjects.sglang.replaced import IMPORTED, REPLACEMENTS, load_runner

RUN = "x, cu_seqlens, cu_window_seqlens, position_embeddings, rotary_pos_emb_cos=None, rotary_pos_emb_sin=None"
RUNNER = """
from torch import nn
{imports}

class {name}:
    def __init__(self, vit): self.vit = vit
    def run(self, {parameters}): ...
    def backend(self): return get_global_server_args().mm_attention_backend
    def group(self): return get_tp_group().ca_comm
"""
IMPORTS = """
from sglang.srt.distributed.parallel_state import get_tp_group
from sglang.srt.server_args import get_global_server_args
"""


def _file(
    folder: Path,
    *,
    imports: str = IMPORTS,
    parameters: str = f"{RUN}, output_indices=None",
    name: str = PATCHES.name,
    runner: RunnerFile = PATCHES,
) -> Path:
    """A made-up release below the folder; the runner's file."""
    file = folder / "sglang" / runner.path
    file.parent.mkdir(parents=True, exist_ok=True)
    (folder / "sglang" / "__init__.py").write_text("raise ImportError('nobody imports the package itself')\n")
    file.write_text(RUNNER.format(imports=imports, parameters=parameters, name=name))
    return file


def _loaded(
    folder: Path,
    *,
    imports: str = IMPORTS,
    parameters: str = f"{RUN}, output_indices=None",
    name: str = PATCHES.name,
) -> ModuleType:
    return load_runner(_file(folder, imports=imports, parameters=parameters, name=name), backend="fa3")


def test_an_installed_release_is_found_without_being_imported(tmp_path: Path) -> None:
    """The folder and the version come from the search path alone."""
    _file(tmp_path)
    information = tmp_path / "sglang-0.5.99.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: sglang\nVersion: 0.5.99\n")
    release = installed([str(tmp_path)])
    assert (release.version, release.folder) == ("0.5.99", tmp_path / "sglang")
    assert "sglang" not in sys.modules


def test_a_missing_release_is_said_with_the_remedy(tmp_path: Path) -> None:
    """What was looked for and where, and the environment that has it."""
    with pytest.raises(AdapterBroken) as nothing:
        installed([str(tmp_path)])
    assert str(nothing.value) == (
        "looked for the package sglang in 1 folders of Python's search path and found none: use the tox "
        "environment of one release, such as `tox run -e sglang-0.5.23`"
    )


def test_a_release_has_the_runners_that_are_there(tmp_path: Path) -> None:
    """Early releases lack the runner of tiles; before them there was none at all."""
    release = Release("0.5.99", tmp_path / "sglang")
    with pytest.raises(AdapterBroken, match=r"SGLang 0\.5\.99 has no srt/.*: releases before 0\.5\.7 do not graph"):
        dialects_of(release, backend="fa3")
    _file(tmp_path)
    assert set(dialects_of(release, backend="fa3")) == {PATCHES}
    _file(tmp_path, runner=TILES, name=TILES.name, parameters="x")
    assert set(dialects_of(release, backend="fa3")) == {PATCHES, TILES}


def test_the_runner_is_given_stand_ins_that_do_not_stay(tmp_path: Path) -> None:
    """Its imports are answered while it is loaded, and nobody else's."""
    names = {each.name.rpartition(".")[0] for each in IMPORTED}
    before = {name: sys.modules.get(name) for name in names}
    module = _loaded(tmp_path)
    runner = module.ViTCudaGraphRunner(None)
    assert (runner.backend(), runner.group()) == ("fa3", None)
    assert {name: sys.modules.get(name) for name in names} == before


def test_an_import_that_nothing_stands_for_is_named(tmp_path: Path) -> None:
    """A new release that needs more is no release of this adapter, and is not executed."""
    imports = f"{IMPORTS}\nfrom sglang.srt.layers.kernels import launch\nimport sglang.utils\n"
    with pytest.raises(AdapterBroken, match=r"imports sglang.srt.layers.kernels.launch, sglang.utils, for which"):
        _loaded(tmp_path, imports=imports)


def test_a_file_that_cannot_be_executed_breaks_the_adapter(tmp_path: Path) -> None:
    """Not the subject, of which nothing ran; and no stand-in stays behind."""
    with pytest.raises(AdapterBroken, match="cannot be executed: ZeroDivisionError"):
        _loaded(tmp_path, imports=f"{IMPORTS}\n1 / 0\n")
    assert not {each.name.rpartition(".")[0] for each in IMPORTED} & sys.modules.keys()


@pytest.mark.parametrize(("more", "takes"), [("", False), (", attention_layout_key=None", True)])
def test_dialects_are_told_apart_by_their_parameters(tmp_path: Path, more: str, takes: bool) -> None:
    """A release whose model names the layout of a batch, and one before."""
    module = _loaded(tmp_path, parameters=f"{RUN}, output_indices=None{more}")
    dialect = dialect_of(module, PATCHES)
    assert dialect.takes_layout_key is takes
    assert dialect.runner is module.ViTCudaGraphRunner


def test_a_runner_of_another_form_is_refused(tmp_path: Path) -> None:
    """No class of that name, or one that is called otherwise: the sentence says what is there and what is missing."""
    with pytest.raises(AdapterBroken, match="has no class ViTCudaGraphRunner with a method run"):
        dialect_of(_loaded(tmp_path / "renamed", name="Renamed"), PATCHES)
    with pytest.raises(AdapterBroken, match=r"run takes self, x, .*, and output_indices is missing"):
        dialect_of(_loaded(tmp_path / "shorter", parameters=RUN), PATCHES)


def test_every_replacement_has_its_reason() -> None:
    """What is replaced is listed once, with what stands for it and why."""
    assert len({each.name for each in REPLACEMENTS}) == len(REPLACEMENTS)
    assert all(each.by and each.why for each in REPLACEMENTS)
