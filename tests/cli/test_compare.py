"""`vidbench compare` from the command line."""

import json

import pytest
from examples import environment
from runs import around, results, timed

from vidbench.store import Writer


@pytest.fixture
def files(folder):
    """Writes results under names of files in an empty folder."""

    def write(**named):
        for name, found in named.items():
            with (folder / f"{name}.jsonl").open("w") as file:
                writer = Writer(file)
                for record in found.records:
                    writer.append(record, found.environments[record.environment])

    return write


def test_table(vidbench, files):
    """A row a measured figure with its verdict; what is counted and equal is one line."""
    files(old=results(*timed(around(0.02))), new=results(*timed(around(0.025))))
    done = vidbench("compare", "old.jsonl", "new.jsonl")
    (row,) = [line.split() for line in done.out.splitlines() if "latency" in line]
    assert row[:9] == ["x3d-m", "16x224", "cuda:0", "latency", "20.00", "ms", "25.00", "ms", "1.250"]
    assert "slower" in row
    assert "equal in all cases: multiply-accumulates" in done.out
    assert (done.code, done.err) == (0, "")


def test_changed_count(vidbench, files):
    """A counted figure that has changed has a row with all of its digits."""
    files(old=results(*timed([0.02])), new=results(*timed([0.02], count=4.73e9 + 1)))
    out = vidbench("compare", "old.jsonl", "new.jsonl").out
    assert "4,730,000,000" in out
    assert "4,730,000,001" in out
    assert "changed" in out


def test_many_cases(vidbench, files):
    """Hundreds of rows stand in columns, too."""
    records = [one for frames in range(1, 302) for one in timed([0.02], frames=frames)]
    files(old=results(*records), new=results(*records))
    lines = [line for line in vidbench("compare", "old.jsonl", "new.jsonl").out.splitlines() if "latency" in line]
    assert len(lines) == 301
    assert len({line.index("inconclusive") for line in lines}) == 1


def test_json(vidbench, files):
    """To a file beside the table, or to stdout instead of it."""
    files(old=results(*timed(around(0.02))), new=results(*timed(around(0.025))))
    found = json.loads(vidbench("compare", "old.jsonl", "new.jsonl", "--json", "-").out)
    assert [change["verdict"] for change in found["changes"]] == ["equal", "slower"]
    assert "slower" in vidbench("compare", "old.jsonl", "new.jsonl", "--json", "c.json").out
    with open("c.json") as file:  # noqa: PTH123
        assert json.load(file) == found


def test_stacks(vidbench, files):
    """Different stacks are refused, and compared with --across."""
    files(old=results(*timed([1.0])), new=results(*timed([1.0]), place=environment(driver="9"), key="k2"))
    done = vidbench("compare", "old.jsonl", "new.jsonl")
    assert (done.code, "driver 550.54 / 9" in done.err) == (2, True)
    done = vidbench("compare", "old.jsonl", "new.jsonl", "--across")
    assert (done.code, "driver 550.54 / 9" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.jsonl", "old.jsonl"], "nothing.jsonl cannot be read"),
        (["old.jsonl", "old.jsonl", "--effect", "x"], "--effect takes a share"),
        (["old.jsonl", "old.jsonl", "--noise", "2"], "--noise takes a share"),
        (["old.jsonl", "old.jsonl", "--json", "no/c.json"], "there is no folder no"),
    ],
)
def test_refusals(vidbench, files, arguments, message):
    """What cannot be read, taken or written is told in one line."""
    files(old=results(*timed([1.0])))
    done = vidbench("compare", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert len(done.err.splitlines()) == 1
