"""Subjects by name: ours, known engines, modules and entry points; one sentence for each that cannot be had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from suite.driver.ticket import columns_of
from suite.subjects.finding import GROUP, UnknownSubject
from suite.subjects.registry import columns, names, with_model
from suite.subjects.strangers import STRANGERS

HERE = "selftests.subjects.strange_adapters"
WRONG: dict[str, str] = {
    "no": "no subject 'no': choose one of reference, vllm, sglang, fault:<id>, or package.module:name",
    "a b:c": "'a b:c' is not of the form package.module:name",
    "no.such:Adapter": "'no.such:Adapter': no module 'no' on the path; start with `python -m pytest` in its folder",
    "models.no:Adapter": "'models.no:Adapter': no module 'models.no' on the path;",
    f"{HERE}:Hones": f"'{HERE}:Hones': {HERE} has no 'Hones'; it has Solo, Silent, Honest",
    f"{HERE}:NUMBER": f"'{HERE}:NUMBER' is an object of int; name a class, a factory",
    f"{HERE}:Halfway": f"'{HERE}:Halfway' makes an object of Halfway, which lacks version (str), capabilities",
    f"{HERE}:Solo": f"subject '{HERE}:Solo' raised TypeError: ",
    f"{HERE}:nameless": f"'{HERE}:nameless' makes columns ['a', 'b']: give one or more, the first without a name",
    f"{HERE}:missing": f"subject '{HERE}:missing' cannot be had here: looked for an engine and found none",
    f"{HERE}:Honest+builtins:str": f"'{HERE}:Honest' takes no model: leave --model out, or give it an argument",
    f"{HERE}:Modelled+{HERE}:NUMBER": f"--model '{HERE}:NUMBER' is an object of int; name a class or a factory",
    f"{HERE}:Modelled+no.such:Model": "'no.such:Model': no module 'no' on the path;",
    "reference+builtins:str": "subject 'reference' takes no model: --model goes with vllm, or with an adapter that",
    "sglang+builtins:str": "subject 'sglang' takes no model: ",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_subject_that_cannot_be_had(name: str) -> None:
    """One sentence: what was looked for, what was found, what would be valid."""
    with pytest.raises(UnknownSubject) as refusal:
        columns_of(name, device="emulator")
    assert str(refusal.value).startswith(WRONG[name])
    assert "\n" not in str(refusal.value)


def test_an_engine_that_is_not_installed() -> None:
    """What was looked for, and which environments of tox install it; its adapter is not imported."""
    other = replace(STRANGERS["vllm"], package="no_such_engine", adapter="no.such:no")
    for name in ("other", "other+no.such:model"):
        with pytest.raises(UnknownSubject) as refusal:
            columns(name, device="emulator", strangers={"other": other})
        assert str(refusal.value) == (
            "subject 'other': looked for the package 'no_such_engine' and found none here; `tox run -e vllm-0.33` "
            "installs it (other releases: vllm-0.20, vllm-0.22, vllm-0.25, vllm-0.28, vllm-0.30)"
        )


def test_an_engine_that_is_installed() -> None:
    """Its adapter is imported and asked for columns, with the device and the model."""
    here = replace(STRANGERS["vllm"], package="torch", adapter=f"{HERE}:Modelled")
    (column,) = columns(with_model("other", f"{HERE}:Halfway"), device="cuda", strangers={"other": here})
    assert column.subject.version == "cuda Halfway"


def test_a_class_makes_one_column() -> None:
    """The first, with the class's subject."""
    (column,) = columns_of(f"{HERE}:Honest", device="emulator")
    assert (column.name, column.subject.name, column.subject.version) == ("", "honest", "1.2.3")


def test_a_function_makes_columns() -> None:
    """It is told the device where it asks for it."""
    found = columns_of(f"{HERE}:both", device="cuda")
    assert [(column.name, column.text) for column in found] == [("", "on cuda"), ("other way", "")]


def test_a_module_whose_imports_fail_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is the module's need, not the module; another exception is told by its name."""
    (tmp_path / "needy_adapter.py").write_text("import no_such_engine")
    (tmp_path / "raising_adapter.py").write_text("raise RuntimeError('not\\ntoday')")
    monkeypatch.syspath_prepend(tmp_path)
    for name, sentence in {
        "needy_adapter": "importing needy_adapter failed: No module named 'no_such_engine'; install what it needs",
        "raising_adapter": "importing raising_adapter raised RuntimeError: not today",
    }.items():
        with pytest.raises(UnknownSubject) as refusal:
            columns_of(f"{name}:Adapter", device="emulator")
        assert str(refusal.value) == f"'{name}:Adapter': {sentence}"


def test_an_entry_point_is_a_subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package offers a subject by a name; what we call ours stays ours."""
    package = tmp_path / "invented-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: invented\nVersion: 1.0\n")
    lines = [f"[{GROUP}]", f"honest = {HERE}:Honest", f"reference = {HERE}:Broken", "gone = no.such:Adapter"]
    (package / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    assert {"honest", "gone"} <= set(names())
    assert [column.subject.name for column in columns_of("honest", device="emulator")] == ["honest"]
    assert columns_of("reference", device="emulator")[0].subject.name == "reference"
    with pytest.raises(UnknownSubject, match="no module 'no' on the path"):
        columns_of("gone", device="emulator")


def test_the_whole_name_says_the_model() -> None:
    """So that tickets and records need one text."""
    assert with_model("vllm", None) == "vllm"
    assert with_model("vllm", "a.b:c") == "vllm+a.b:c"
