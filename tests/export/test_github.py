"""GitHub's annotations and the summary of a run."""

from runs import around, judgement_of_all, results, timed

from vidbench.export.github import write_annotations, write_summary
from vidbench.gates import Limits, judge


def test_annotations():
    """A line for each check that did not pass; what would end a line or begin a command is escaped."""
    lines = write_annotations(judgement_of_all())
    assert [line.partition("::")[2].partition("::")[0] for line in lines] == [
        "error title=vidbench%3A regression",
        "warning title=vidbench%3A inconclusive",
        "error title=vidbench%3A could not measure",
        "warning title=vidbench%3A no baseline",
    ]
    assert "died | at 100%25%0A::error::<b>" in lines[2]
    assert not any("\n" in line for line in lines)


def test_summary():
    """A row for what was measured or did not pass; cells hold, whatever a message has in it."""
    summary = write_summary(judgement_of_all(), ["baseline: written | on host"])
    lines = summary.splitlines()
    assert lines[0] == "## ❌ vidbench gate: regression"
    rows = [line for line in lines if line.startswith("| ")]
    widths = {line.replace("\\|", "").count("|") for line in rows}
    assert widths == {11}
    assert len(rows) == 5
    assert "2 counted figures" in summary
    assert "- baseline: written \\| on host" in summary
    assert "\\<b\\>" in summary


def test_summary_of_a_pass():
    """Where nothing but counted figures was judged there is no table."""
    same = results(*timed(around(1.0)))
    summary = write_summary(judge(same, same, Limits({"macs": 0})))
    assert "✅ vidbench gate: pass" in summary
    assert "|" not in summary
