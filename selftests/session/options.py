"""Options that cannot work, and the sentence that each is answered with."""

from __future__ import annotations

WRONG: dict[str, tuple[list[str], str]] = {
    "subject": (["--subject", "vlm"], "no subject 'vlm': choose one of reference, vllm, sglang, fault:<id>, or "),
    "adapter": (["--subject", "models.no:Adapter"], "'models.no:Adapter': no module 'models.no' on the path; start "),
    "model": (["--model", "models.api:Item"], "subject 'reference' takes no model: --model goes with vllm, or with "),
    "subject that is not installed": (
        ["--subject", "sglang"],
        "subject 'sglang': looked for the package 'sglang' and found none ",
    ),
    "deviations": (["--deviations", "README.md"], "README.md: not JSON: "),
    "fault": (["--subject", "fault:packing/no"], "no fault 'packing/no': choose one of "),
    "device": (["--device", "tpu"], "no device 'tpu': choose one of emulator, cuda"),
    "profile": (["--profile", "fast"], "no profile 'fast': choose one of smoke, premerge, nightly, dev, seeds"),
    "family": (["--family", "tpy"], "There is no family 'tpy': choose one of toy, qwen2_vl"),
    "seed of a fixed profile": (
        ["--seed", "1", "--profile", "premerge"],
        "--seed 1 has no effect: profile premerge always draws the same cases. Use --profile dev, nightly or seeds.",
    ),
    "negative seed": (["--seed=-1"], "--seed '-1' is not a whole number from 0 up"),
    "seed in words": (["--seed", "one"], "--seed 'one' is not a whole number from 0 up"),
    "shard": (["--shard", "3/2"], "--shard '3/2' is not a part of a whole: give for example 1/2 and 2/2"),
    "shard of none": (["--shard", "0/0"], "--shard '0/0' is not a part of a whole: give for example 1/2 and 2/2"),
}
