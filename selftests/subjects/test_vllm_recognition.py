"""Which vLLM is there: its dialect by its code, and a sentence where it is missing or strange."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import make_dataclass
from pathlib import Path

import pytest

from selftests.subjects.invented_vllm import Protocol, config_of, protocol_of
from suite.contract.subject import AdapterBroken
from suite.subjects.strangers import EngineMissing
from suite.subjects.vllm.columns import columns
from suite.subjects.vllm.dialect import DIALECTS, Dialect, UnknownDialect, recognise
from suite.subjects.vllm.engine import installed

WORKER = "v1/worker/encoder_cudagraph"


@pytest.mark.parametrize("dialect", DIALECTS, ids=[each.letter for each in DIALECTS])
def test_each_dialect_is_recognised(dialect: Dialect) -> None:
    """By the methods of the protocol and the fields of the configuration."""
    assert recognise(protocol_of(dialect), config_of(dialect)) is dialect


def test_a_strange_dialect_is_described() -> None:
    """What was looked for, and what was found in its place."""
    config = make_dataclass("Config", ["modalities", "colour"])
    with pytest.raises(UnknownDialect, match=r"Config has the fields colour, modalities, and Protocol has no .*paths"):
        recognise(Protocol, config)


@pytest.fixture
def found_anew() -> Iterator[None]:
    """The engine is looked for again, before and after, and its modules are forgotten."""
    kept = {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] == "vllm"}
    installed.cache_clear()
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "vllm"]:
        del sys.modules[name]
    sys.modules.update(kept)
    installed.cache_clear()


def _package(root: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> None:
    """An invented package of that name in front of any other."""
    for name, text in {"__init__": '__version__ = "9.9"\n', **files}.items():
        path = root / "vllm" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(str(root))


@pytest.mark.usefixtures("found_anew")
def test_no_vllm_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was looked for, and which environment has it."""
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(EngineMissing) as raised:
        columns("emulator")
    assert str(raised.value).startswith("looked for the module vllm, found no package of that name. Use tox run -e ")


@pytest.mark.usefixtures("found_anew")
def test_a_release_without_encoder_graphs_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version is named."""
    _package(tmp_path, monkeypatch, {})
    with pytest.raises(EngineMissing, match=r"looked for the module vllm\.v1\.worker\.encoder_cudagraph, found vllm 9"):
        installed()


@pytest.mark.usefixtures("found_anew")
def test_a_release_whose_imports_fail_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is lacking is named, not the module that lacks it alone."""
    _package(tmp_path, monkeypatch, {WORKER: "import no_such_package\n", "v1/__init__": "", "v1/worker/__init__": ""})
    with pytest.raises(EngineMissing, match=r"found vllm 9\.9, which imports no_such_package, and that is not there"):
        installed()


@pytest.mark.usefixtures("found_anew")
def test_a_release_of_another_dialect_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is driven that is not known."""
    fields = "from dataclasses import dataclass\n@dataclass\nclass EncoderCudaGraphConfig:\n    colour: int\n"
    files = {
        WORKER: "",
        f"{WORKER}_defs": fields,
        "model_executor/models/vision": "",
        "model_executor/models/interfaces": "class SupportsEncoderCudaGraph: ...\n",
        "config": "class CompilationConfig: ...\n",
    }
    packages = ("v1", "v1/worker", "model_executor", "model_executor/models")
    _package(tmp_path, monkeypatch, {**files, **{f"{name}/__init__": "" for name in packages}})
    with pytest.raises(EngineMissing, match=r"vllm 9\.9 speaks no dialect that is known: EncoderCudaGraphConfig has"):
        installed()


def test_real_graphs_are_not_offered() -> None:
    """Before anything is imported."""
    with pytest.raises(AdapterBroken, match="runs on the emulator, not on 'cuda'"):
        columns("cuda")
