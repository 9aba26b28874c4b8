"""Cases with their runs: what they are called, and what is marked."""

from examples import environment, latency, macs, record

from vidbench.pictures.entries import Mark, gather_entries, name_entries, name_place
from vidbench.records import Failure

HERE = {"k1": environment(), "k2": environment(threads=1)}


def gather(*records):
    return gather_entries(records, HERE)


def test_runs_share_an_entry():
    """Runs of a case in one environment are one entry with their medians; another environment is another entry."""
    runs = [record(latency(seconds), repeat=number) for number, seconds in enumerate((0.01, 0.03, 0.02))]
    other = record(latency(0.5), environment="k2")
    first, second = gather(runs[0], other, *runs[1:])
    assert first.runs == tuple(runs)
    assert (first.row["runs"], first.row["latency"]) == (3, 0.02)
    assert second.runs == (other,)
    assert second.environment == HERE["k2"]


def test_family():
    """A variant's family is the catalog's, a stranger's its own name."""
    known, own = gather(record(macs(), model="x3d-s"), record(macs(), model="mine.nets:make"))
    assert (known.family, own.family) == ("x3d", "mine.nets:make")


def test_marks_are_in_order_and_once():
    """Failures come first, then what is not settled, disturbed, and other cautions, each once with its reason."""
    caveats = ("of a short clip", "disturbed: 5 of 9 samples", "not settled: known to ±4%")
    good = record(latency(caveats=caveats), repeat=0)
    failed = record(repeat=2, failure=Failure(kind="oom", message="80 GiB"))
    (entry,) = gather(good, record(latency(caveats=caveats), repeat=1), failed)
    assert entry.marks == (
        Mark("1 of 3 runs out of memory", "80 GiB"),
        Mark("not settled", "latency: known to ±4%"),
        Mark("disturbed", "latency: 5 of 9 samples"),
        Mark("caution", "latency: of a short clip"),
    )


class TestNames:
    def test_what_differs(self):
        """A name has what differs; what is common is told once, without what is usual."""
        names, common = name_entries(gather(record(macs()), record(macs(), batch=8), record(macs(), model="x3d-s")))
        assert names == ["x3d-m batch 1", "x3d-m batch 8", "x3d-s batch 1"]
        assert common == "16x224, fp32, 400 classes, synthetic clip"

    def test_rare_settings_only_to_tell_apart(self):
        """Classes are named where the name would else stand for two."""
        names, _ = name_entries(gather(record(macs()), record(macs(), classes=174), record(macs(), model="x3d-s")))
        assert names == ["x3d-m 400 classes", "x3d-m 174 classes", "x3d-s"]

    def test_what_the_picture_shows(self):
        """What a picture has on an axis is not in its names."""
        names, common = name_entries(gather(record(macs(), frames=8), record(macs())), without=("frames",))
        assert names == ["x3d-m", "x3d-m"]
        assert common.startswith("224 pixels, batch 1")

    def test_nothing(self):
        assert name_entries([]) == ([], "")


def test_place():
    """A place is its device with driver, threads and torch; one that is unknown is said to be."""
    assert name_place(environment()) == "NVIDIA H100, driver 550.54, 8 CPU threads, torch 2.13.0"
    assert name_place(environment(driver=None, threads=1)) == "NVIDIA H100, 1 CPU thread, torch 2.13.0"
    assert "does not describe" in name_place(None)
