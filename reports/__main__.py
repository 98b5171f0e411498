"""Command line: `python -m reports summary | build | merge | compare | annotations | results | table`.

Exit status 0 whatever the records say, 2 for a bad request, with one sentence that names the remedy.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from reports import annotations as github
from reports import html
from reports.compare import compare, records_at
from reports.files import write_atomically
from reports.markdown import as_markdown
from reports.merge import merge
from reports.records import Records, read
from reports.results import FOLDER, as_file, as_table, read_results, result_of, with_table
from reports.summary import as_json, as_text, summarise
from reports.validation import RecordError

BAD_REQUEST = 2
KEPT = "reports/results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], str] = options.run
    try:
        _say(run(options))
    except RecordError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename or 'a file'}: {error.strerror or error}; give a file that can be used here")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reports", description="Read the records of a run.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    summary = _command(commands, "summary", _summary, "the run in a few numbers")
    form = summary.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--markdown", action="store_true", help="for a step summary or a comment")
    build = _command(commands, "build", _build, "the HTML report, one file that works offline")
    build.add_argument("-o", "--output", required=True, metavar="FILE", help="where to write the HTML")
    join = _command(commands, "merge", _merge, "one records file from the shards of one run", nargs="+")
    join.add_argument("-o", "--output", required=True, metavar="FILE", help="where to write the whole")
    several = commands.add_parser("compare", help="one page with a column per subject and release", description="Runs.")
    several.add_argument(
        "records", metavar="RECORDS", nargs="+", help="a records file, or a folder with one per folder"
    )
    several.add_argument("-o", "--output", required=True, metavar="FILE", help="where to write the HTML")
    several.set_defaults(run=_compare)
    results = _command(commands, "results", _results, "what is kept of a whole run, by subject and release")
    results.add_argument("--folder", type=Path, default=FOLDER, metavar="FOLDER", help=f"where to write ({KEPT})")
    table = commands.add_parser("table", help="write the table of results into a document", description="The results.")
    table.add_argument("document", type=Path, metavar="DOCUMENT", help="a Markdown file with the two marks")
    table.add_argument("--folder", type=Path, default=FOLDER, metavar="FOLDER", help=f"where results are ({KEPT})")
    table.set_defaults(run=_table)
    _command(commands, "annotations", _annotations, "GitHub workflow commands, one per distinct cause")
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], str],
    text: str,
    *,
    nargs: str | None = None,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("records", metavar="RECORDS", nargs=nargs, help="a records file, JSON lines")
    parser.set_defaults(run=run)
    return parser


def _read(name: str) -> Records:
    return read(Path(name))


def _summary(options: argparse.Namespace) -> str:
    summary = summarise(_read(options.records))
    if options.json:
        return json.dumps(as_json(summary), indent=2)
    return as_markdown(summary).rstrip("\n") if options.markdown else as_text(summary)


def _build(options: argparse.Namespace) -> str:
    output = _output(options.output, [options.records])
    write_atomically(output, html.render(summarise(_read(options.records))))
    return f"wrote {options.output}"


def _merge(options: argparse.Namespace) -> str:
    shards = {name: _read(name) for name in options.records}
    if len(shards) < len(options.records):
        twice = next(name for name in options.records if options.records.count(name) > 1)
        raise RecordError(f"{twice} is named twice; name each shard once")
    write_atomically(_output(options.output, options.records), merge(shards))
    return f"wrote {options.output} from {len(shards)} shards"


def _compare(options: argparse.Namespace) -> str:
    files = records_at(options.records)
    page = html.render_comparison(compare(files))
    write_atomically(_output(options.output, list(files)), page)
    return f"wrote {options.output} from {len(files)} runs"


def _results(options: argparse.Namespace) -> str:
    result = result_of(summarise(_read(options.records)))
    path: Path = options.folder / result.file
    write_atomically(path, as_file(result))
    return f"wrote {path}"


def _table(options: argparse.Namespace) -> str:
    document: Path = options.document
    text = with_table(document.read_text(encoding="utf-8"), as_table(read_results(options.folder)))
    write_atomically(document, text)
    return f"wrote {document}"


def _output(name: str, inputs: Sequence[str]) -> Path:
    """The path to write, unless that would destroy a file that is read."""
    output = Path(name)
    if any(output.resolve() == Path(given).resolve() for given in inputs):
        raise RecordError(f"{name} is a records file of this command; give another file to write")
    return output


def _annotations(options: argparse.Namespace) -> str:
    return "\n".join(github.lines(summarise(_read(options.records))))


def _say(text: str) -> None:
    if text:
        # A terminal that cannot show a character must not end the command.
        sys.stdout.buffer.write((text + "\n").encode("utf-8", "backslashreplace"))
        sys.stdout.flush()


def _refuse(reason: str) -> int:
    sys.stderr.buffer.write(f"python -m reports: {reason}\n".encode("utf-8", "backslashreplace"))
    return BAD_REQUEST


if __name__ == "__main__":
    sys.exit(main())
