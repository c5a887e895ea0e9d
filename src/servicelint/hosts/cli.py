"""The command line: ``servicelint check``, ``explain``, ``rules`` and ``doctor``."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from servicelint.hosts.failure import FAILED, Fail
from servicelint.hosts.init import init

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from servicelint.config import Config
    from servicelint.result import Result
    from servicelint.rule import Rule
    from servicelint.run import Run
    from servicelint.sources.cache import Cache
    from servicelint.workers import ProcessPool

CLEAN, FINDINGS, INTERRUPTED = 0, 1, 130
"""Exit statuses; findings and failures add up to 3."""

PATH = click.Path(path_type=Path, readable=False)
"""A path that may be anything: what can't be read is told where it is read, and ends nothing else."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="servicelint", prog_name="servicelint", message="%(prog)s %(version)s")
def cli() -> None:
    """Find the calls between services that can wait for ever, before they run."""


@cli.command()
@click.argument("paths", nargs=-1, type=PATH)
@click.option(
    "--select",
    multiple=True,
    metavar="CODES",
    help="Rules to run: codes or their beginnings, comma-separated.",
)
@click.option("--ignore", multiple=True, metavar="CODES", help="Rules not to run; the longer beginning wins.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, readable=False),
    help="Write the report to this file.",
)
@click.option("--isolated", is_flag=True, help="Read no configuration.")
@click.option("--config", "config_file", type=PATH, help="Read this configuration.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave files out, patterns as in .gitignore.")
@click.option("--force-exclude", is_flag=True, help="Leave files out even if they are named.")
@click.option("--include-tests", is_flag=True, help="Check test files too.")
@click.option(
    "--stdin-filename",
    type=PATH,
    metavar="PATH",
    help="Check the text on standard input as that of this file, and nothing else.",
)
@click.option(
    "--show-unknown",
    is_flag=True,
    help="List the calls whose bound can't be told, and why: they are no findings.",
)
@click.option("--statistics", is_flag=True, help="Count the findings of each rule (text).")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache.")
@click.option("--cache-dir", type=PATH, help="Keep the cache in this folder.")
@click.option(
    "--jobs",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Parse in N processes; by default, one for each processor.",
)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if there are findings.")
@click.option("--verbose", is_flag=True, help="Show the trace-backs of rules that crashed.")
def check(
    paths: tuple[Path, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    format_: str,
    output: Path | None,
    isolated: bool,
    config_file: Path | None,
    exclude: tuple[str, ...],
    force_exclude: bool,
    include_tests: bool,
    stdin_filename: Path | None,
    show_unknown: bool,
    statistics: bool,
    no_cache: bool,
    cache_dir: Path | None,
    jobs: int,
    exit_zero: bool,
    verbose: bool,
) -> None:
    """Check the Python files in PATHS (by default, the working directory)."""
    from servicelint import registry
    from servicelint.config import ConfigError
    from servicelint.workers import ProcessPool, processors

    if stdin_filename is not None:
        paths = (stdin_filename,)
    elif paths and not any(map(os.path.lexists, paths)):
        raise Fail(f"{paths[0]}: no such file or folder")
    config = _merged(_config(paths, config_file, isolated=isolated), select, ignore, exclude, include_tests)
    chosen = registry.selected(config.select, config.ignore)
    if not chosen:
        raise Fail(f"no rule matches `select`: {', '.join(config.select) or 'it is empty'}")
    buffers = {} if stdin_filename is None else {os.path.abspath(stdin_filename): _standard_input()}  # noqa: PTH100
    with _cache(cache_dir, no_cache=no_cache) as cache, ProcessPool(jobs or processors()) as pool:
        run = _run(paths, config, cache, pool, chosen, force_exclude=force_exclude, buffers=buffers)
        try:
            result = run.check(chosen)
        except ConfigError as error:
            raise Fail(str(error)) from None
    _write(_report(result, format_, with_statistics=statistics, with_unknown=show_unknown), output)
    if verbose:
        click.echo("".join(result.tracebacks), err=True, nl=False)
    status = _status(result) | _rules_that_failed() | _folders_left_out(run)
    sys.exit(CLEAN if exit_zero and status == FINDINGS else status)


def _rules_that_failed() -> int:
    """Tell which rules can't be loaded; the exit status that they bring."""
    from servicelint import registry

    for name, reason in registry.failures().items():
        click.echo(f"servicelint: rule {name} can't be loaded: {reason}; see `servicelint doctor`", err=True)
    return FAILED if registry.failures() else CLEAN


def _folders_left_out(run: Run) -> int:
    """Tell which folders could not be looked into; the exit status that they bring."""
    unread = {os.path.relpath(error.filename): error.strerror for error in run.unread_folders}
    for folder, reason in sorted(unread.items()):
        click.echo(f"servicelint: {folder}: can't be read: {reason}; its files are left out", err=True)
    return FAILED if unread else CLEAN


def _standard_input() -> str:
    from servicelint.facts.unreadable import UnreadableSource
    from servicelint.sources.reading import decode_source

    try:
        return decode_source(sys.stdin.buffer.read())
    except UnreadableSource as error:
        raise Fail(f"standard input: {error}") from None


@cli.command()
@click.argument("path", type=PATH, default=Path())
@click.option("--cache-dir", type=PATH, help="Look at the cache in this folder.")
def doctor(path: Path, cache_dir: Path | None) -> None:
    """Tell what is installed, what is read for PATH (by default, the working directory), what is broken."""
    from servicelint.hosts.doctor import examine

    if not os.path.exists(path):
        raise Fail(f"{path}: no such file or folder")
    found = examine(path.absolute(), cache_dir)
    _write("\n".join(found.lines), None)
    sys.exit(FAILED if found.broken else CLEAN)


@cli.command()
@click.argument("subject", metavar="CODE|PATH:LINE")
@click.option("--isolated", is_flag=True, help="Read no configuration.")
@click.option("--config", "config_file", type=PATH, help="Read this configuration.")
def explain(subject: str, isolated: bool, config_file: Path | None) -> None:
    """Explain a rule (by code or name), or the verdict on the calls at a line."""
    from servicelint import registry
    from servicelint.report.explanation import line_report, rule_report
    from servicelint.workers import at_full_speed

    rule = registry.rule(subject)
    if rule is not None:
        _write(rule_report(rule), None)
        return
    path, _, line = subject.rpartition(":")
    if not path or not line.isdigit():
        raise Fail(f"{subject}: neither a rule (see `servicelint rules`) nor PATH:LINE")
    if not os.path.exists(path):
        raise Fail(f"{path}: no such file")
    config = _config((Path(path),), config_file, isolated=isolated)
    with _cache(None) as cache:
        run = _run((Path(path),), config, cache)
        with at_full_speed():
            report = line_report(run, Path(path), int(line))
    _write(report, None)


@cli.command()
@click.option("--libraries", is_flag=True, help="List the libraries instead, and what is known of each.")
def rules(libraries: bool) -> None:
    """List the rules; those marked ``off`` run only if they are named by their full code."""
    from servicelint import registry

    if libraries:
        from servicelint.catalog.shipped import shipped_libraries
        from servicelint.report.libraries import libraries_page

        _write(libraries_page(shipped_libraries()), None)
        return
    lines = [
        f"{rule.code}  {'' if rule.on_by_default else 'off':4}{rule.name:32} {rule.summary}"
        for rule in registry.rules().values()
    ]
    _write("\n".join(lines), None)


cli.add_command(init)


def _config(paths: tuple[Path, ...], config_file: Path | None, *, isolated: bool) -> Config:
    from servicelint.config import Config, ConfigError, load, read_file
    from servicelint.sources.roots import common_folder

    try:
        if isolated:
            return Config()
        if config_file is not None:
            return read_file(config_file)
        return load(common_folder(paths))[0]
    except ConfigError as error:
        raise Fail(str(error)) from None


def _merged(
    config: Config,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    exclude: tuple[str, ...],
    include_tests: bool,
) -> Config:
    """The settings with the command line's on top."""
    import msgspec

    return msgspec.structs.replace(
        config,
        select=_codes(select) or config.select,
        ignore=_codes(ignore) or config.ignore,
        exclude=config.exclude + exclude,
        include_tests=include_tests or config.include_tests,
    )


def _codes(options: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code.strip() for option in options for code in option.split(",") if code.strip())


@contextmanager
def _cache(folder: Path | None, *, no_cache: bool = False) -> Iterator[Cache | None]:
    """The cache, saved at the end, also of a run that was interrupted; what is wrong with it is said once."""
    if no_cache:
        yield None
        return
    from servicelint.sources.cache import Cache

    cache = Cache(folder)
    try:
        yield cache
    finally:
        cache.close()
        if cache.problem:
            click.echo(f"servicelint: {cache.problem}; try --cache-dir or --no-cache", err=True)


def _run(
    paths: tuple[Path, ...],
    config: Config,
    cache: Cache | None,
    pool: ProcessPool | None = None,
    rules: Sequence[Rule] = (),
    *,
    force_exclude: bool = False,
    buffers: Mapping[str, str] | None = None,
) -> Run:
    from servicelint.program_files import listed
    from servicelint.run import Run
    from servicelint.sources.discovery import BadPattern, Selection, select
    from servicelint.sources.roots import common_folder, is_everything, program_root

    root = program_root(common_folder(paths))
    if all(path.absolute() == root for path in paths or (Path.cwd(),)) and not is_everything(root):
        known = listed(cache, root, rules, config)
        if known:
            return Run(Selection(), config, root, cache, buffers, pool=pool, listed=known)
    try:
        selection = select(
            paths or (Path(),),
            root,
            config.exclude,
            include_tests=config.include_tests,
            force_exclude=force_exclude,
            whole_program=not is_everything(root),
        )
    except BadPattern as error:
        raise Fail(str(error)) from None
    if not (selection.targets if selection.asked is None else selection.asked):
        click.echo("servicelint: no Python files to check", err=True)
    return Run(selection, config, root, cache, buffers, pool=pool)


def _report(result: Result, format_: str, *, with_statistics: bool, with_unknown: bool) -> str:
    if format_ == "json":
        from servicelint.report.json import json_report

        return json_report(result, with_unknown=with_unknown)
    from servicelint.report.text import statistics, text_report

    lines = [
        *text_report(result, with_unknown=with_unknown),
        *(statistics(result) if with_statistics else ()),
    ]
    return "\n".join(lines)


def _write(report: str, output: Path | None) -> None:
    if output is None:
        _print(report)
        return
    try:
        output.write_text(f"{report}\n", "utf-8")
    except OSError as error:
        raise Fail(f"{output}: can't be written: {error.strerror}") from None


def _print(report: str) -> None:
    """Print to stdout; a reader that has left has what it wanted, and the exit status stays as it is."""
    try:
        click.echo(report)
    except BrokenPipeError:
        # without this, Python complains again when it closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Fail(f"standard output: can't be written: {error.strerror}") from None


def _status(result: Result) -> int:
    failed = any(finding.is_failure_to_read for finding in result.findings)
    found = any(not f.is_failure_to_read and f.severity != "info" for f in result.findings)
    return (FAILED if failed else CLEAN) | (FINDINGS if found else CLEAN)


def main() -> NoReturn:
    """The program ``servicelint``."""
    from servicelint.registry import NoRules

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may not know every character
    try:
        status = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        _in_one_line(error).show()
        status = FAILED
    except NoRules as error:
        Fail(str(error)).show()
        status = FAILED
    except (KeyboardInterrupt, click.Abort):
        status = INTERRUPTED
    except OSError as error:  # what is asked of the system about paths, and not about a file's content
        Fail(f"{str(error.filename or '')[:200]}: {error.strerror or error}").show()
        status = FAILED
    except Exception as error:  # noqa: BLE001 - a defect of servicelint: one line, unless more is wanted
        status = _crashed(error)
    sys.exit(status or CLEAN)


def _in_one_line(error: click.ClickException) -> click.ClickException:
    """An error of usage as one line; asked for nothing at all, click (from 8.2) raises the help as one."""
    if not isinstance(error, click.UsageError) or type(error).__name__ == "NoArgsIsHelpError":
        return error
    asked = error.ctx.command_path if error.ctx else "servicelint"
    return Fail(f"{' '.join(error.format_message().split()).rstrip('.')}; see `{asked} -h`")


def _crashed(error: Exception) -> int:
    from servicelint.crashes import description, formatted

    if "--verbose" in sys.argv:
        sys.stderr.write(formatted(error))
    Fail(f"a defect of servicelint: {description(error)}; please report it with what --verbose shows").show()
    return FAILED


if __name__ == "__main__":
    main()
