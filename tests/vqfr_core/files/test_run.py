import json
from dataclasses import replace
from pathlib import Path

import pytest

from vqfr_core.cli.console import Console
from vqfr_core.errors import InputError, WeightsError
from vqfr_core.files.outputs import Job
from vqfr_core.files.plan import Batch
from vqfr_core.files.run import Done, run_batch


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """Three jobs and a report."""
    jobs = [Job(tmp_path / f"{n}.png", tmp_path / "o" / f"{n}.png", Path(n), True) for n in "abc"]
    for job in jobs:
        job.source.write_bytes(b"input")
    return Batch(jobs, [], tmp_path / "r.json", False)


def work(job: Job) -> Done:
    job.target.write_bytes(b"result")
    return Done("fine", [{"name": job.name.name}])


def failing_at(name: str, error: BaseException):
    def work_or_fail(job: Job) -> Done:
        if job.name.name == name:
            raise error
        return work(job)

    return work_or_fail


def read_report(batch: Batch) -> list[dict]:
    assert batch.report is not None
    return json.loads(batch.report.read_text())["images"]


def test_all_done(batch, capsys):
    assert run_batch(batch, lambda: work, Console()) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"{batch.jobs[0].source} -> {batch.jobs[0].target}: fine"
    first = read_report(batch)[0]
    assert first == {
        "source": str(batch.jobs[0].source),
        "output": str(batch.jobs[0].target),
        "status": "done",
        "error": None,
        "report": {"name": "a"},
        "frames": None,
    }


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (InputError("too dark"), "b.png: too dark"),
        (RuntimeError("a bug"), "b.png: unexpected RuntimeError: a bug (--debug shows where)"),
    ],
)
def test_one_bad_file_does_not_stop_the_rest(batch, capsys, error, text):
    assert run_batch(batch, lambda: failing_at("b", error), Console()) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[2:] == ["3 pictures: 2 done, 1 failed (b.png)"]
    assert said.err.startswith("error: ") and said.err.rstrip().endswith(text) and said.err.count("\n") == 1
    assert [entry["status"] for entry in read_report(batch)] == ["done", "failed", "done"]
    assert read_report(batch)[1]["error"].endswith(text)


def test_a_dry_run_does_nothing(batch, capsys):
    batch.jobs[0].target.parent.mkdir()
    work(batch.jobs[0])
    before = sorted(batch.jobs[0].target.parent.parent.rglob("*"))
    dry = replace(batch, dry_run=True)
    assert run_batch(dry, lambda: failing_at("a", RuntimeError()), Console()) == 0
    said = capsys.readouterr().out.splitlines()
    assert "would be skipped" in said[0] and said[1].endswith("b.png: would be done") and len(said) == 3
    assert sorted(batch.jobs[0].target.parent.parent.rglob("*")) == before
    batch.jobs[2].source.unlink()
    film = replace(dry, jobs=[*batch.jobs, replace(batch.jobs[0], source=before[0].with_suffix(".mp4"))])
    film.jobs[3].source.write_bytes(b"x")
    assert run_batch(film, lambda: work, Console()) == 1
    said = capsys.readouterr().err
    assert "no such file" in said and "films cannot be read" in said


def test_many_failures_are_counted_and_some_named(batch, capsys):
    more = replace(batch, problems=[(f"x{number}*", "no pictures found") for number in range(12)])
    assert run_batch(more, lambda: work, Console()) == 1
    summary = capsys.readouterr().out.splitlines()[-1]
    assert summary.startswith("15 pictures: 3 done, 12 failed (x0*, ") and summary.endswith("x9* and 2 more)")


def test_a_hint_where_no_face_was_found(batch, capsys):
    run_batch(batch, lambda: lambda job: Done("", [{"faces": []}, {"faces": [1]}]), Console())
    assert "hint: " not in capsys.readouterr().out
    run_batch(batch, lambda: lambda job: Done("", [{"faces": []}, {"faces": []}]), Console())
    assert "--min-confidence, --tiles, --rotations" in capsys.readouterr().out


def test_done_work_is_skipped_and_networks_are_not_loaded(batch, capsys):
    run_batch(batch, lambda: failing_at("b", InputError("bad")), Console())
    started = []

    def start():
        started.append(1)
        return work

    assert run_batch(batch, start, Console()) == 0
    assert [entry["status"] for entry in read_report(batch)] == ["skipped", "done", "skipped"]
    assert run_batch(batch, start, Console()) == 0
    assert [entry["status"] for entry in read_report(batch)] == ["skipped"] * 3
    assert started == [1]
    assert "--overwrite" in capsys.readouterr().out
    again = Batch(batch.jobs, [], batch.report, True)
    assert run_batch(again, start, Console()) == 0
    assert [entry["status"] for entry in read_report(batch)] == ["done"] * 3


@pytest.mark.parametrize(
    ("error", "text"), [(KeyboardInterrupt(), "interrupted"), (WeightsError("no weights"), "no weights")]
)
def test_the_report_is_written_when_the_work_ends_early(batch, error, text):
    def start():
        if isinstance(error, WeightsError):
            raise error
        return failing_at("b", error)

    with pytest.raises(type(error)):
        run_batch(batch, start, Console())
    assert [entry["status"] for entry in read_report(batch)][1:] == ["not done", "not done"]
    assert read_report(batch)[1]["error"] == text


def test_inputs_that_stand_for_no_picture_fail(batch, capsys):
    odd = Batch(batch.jobs, [("x*.png", "there is no picture")], batch.report, False)
    assert run_batch(odd, lambda: work, Console()) == 1
    assert [entry["status"] for entry in read_report(batch)] == ["failed", "done", "done", "done"]
    assert capsys.readouterr().err == "error: x*.png: there is no picture\n"


def test_a_report_that_cannot_be_written_is_a_failure(batch, tmp_path, capsys):
    odd = Batch(batch.jobs, [], tmp_path / "a.png" / "r.json", False)
    assert run_batch(odd, lambda: work, Console()) == 1
    assert "cannot make the folder" in capsys.readouterr().err
    assert all(job.target.exists() for job in batch.jobs)


def test_quiet_says_only_errors(batch, capsys):
    run_batch(batch, lambda: failing_at("b", InputError("bad")), Console(quiet=True))
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
