"""A record becomes one flat row, in base units, with what is published for its setting beside it."""

import io
from dataclasses import replace

import pytest
from examples import environment, latency, macs, record

import vidbench
from vidbench.errors import InputError
from vidbench.metrics import MACS_CONVENTION, METRICS
from vidbench.records import Failure, Measurement
from vidbench.store import Writer
from vidbench.table import CASE_COLUMNS, COLUMNS, is_disturbed, row, rows, to_frame

FAILED = Failure(kind="oom", message="out of memory: tried to allocate 80 GiB")


class TestRow:
    def test_columns(self):
        """Every row has the same columns in the same order, each once, whatever was measured."""
        assert list(row(record(macs(), latency()), environment())) == list(COLUMNS)
        assert list(row(record(failure=FAILED))) == list(COLUMNS)
        assert len(set(COLUMNS)) == len(COLUMNS)
        assert set(METRICS) - {"macs_bounds"} < set(COLUMNS)

    def test_case(self):
        """The setting is there as it was asked for."""
        flat = row(record(frames=8, batch=4, dtype="bf16", threads=2, clip="a.mp4"))
        expected = {"model": "x3d-m", "frames": 8, "batch": 4, "dtype": "bf16", "threads": 2, "clip": "a.mp4"}
        assert {name: flat[name] for name in expected} == expected
        assert {name: flat[name] for name in CASE_COLUMNS if name not in expected} == {
            "classes": 400,
            "size": 224,
            "device": "cuda:0",
            "mode": "eager",
            "task": "inference",
            "views": None,
            "weights": "random",
            "repeat": 0,
        }

    def test_figures(self):
        """Figures stand under their metric in base units, a sampled one's spread beside it."""
        flat = row(record(macs(4.7e9), latency(0.02)))
        assert (flat["macs"], flat["latency"]) == (4.7e9, 0.02)
        assert (flat["latency_p90"], flat["latency_mean"], flat["latency_count"]) == (0.03, 0.025, 3)
        assert (flat["latency_p99"], flat["latency_outliers"]) == (0.0309, 0)

    def test_interval(self):
        """How well a median is known stands beside it, its interval as two; of a version before it nothing does."""
        flat = row(record(latency(0.02)))
        assert (flat["latency_low"], flat["latency_high"]) == (0.02, 0.031)
        assert (flat["latency_precision"], flat["latency_settled"]) == (0.05, False)
        old = row(record(latency(0.02, details={"count": 3, "mean": 0.025})))
        assert [old[f"latency_{part}"] for part in ("low", "high", "precision", "settled")] == [None] * 4
        assert not {name for name in COLUMNS if name.startswith("first_call_")}

    def test_disturbed(self):
        """How many samples were disturbed has a column; a figure is disturbed where its caveat says so."""
        details = {"watched": 40, "disturbed": 30, "disturbances": {"heat of the CPU": 30}}
        flat = row(record(latency(details=details, caveats=("disturbed: 30 of 40 samples",))))
        assert (flat["latency_disturbed"], flat["throughput_disturbed"]) == (30, None)
        assert is_disturbed(flat, "latency")
        assert not is_disturbed(flat, "throughput")
        assert not is_disturbed(row(record(latency(details=details))), "latency")

    def test_unknown(self):
        """What was not measured, or is unknown, is None, never 0."""
        flat = row(record(macs(None)))
        assert [flat[name] for name in ("macs", "latency", "latency_p90", "peak_memory", "failure", "caveats")] == [
            None
        ] * 6

    def test_failure(self):
        """A failure leaves its kind, its message, and the figures that were taken before it."""
        flat = row(record(macs(4.7e9), failure=FAILED))
        assert (flat["failure"], flat["failure_message"], flat["macs"]) == ("oom", FAILED.message, 4.7e9)

    def test_views(self):
        """Of a video of ten clips and three crops it is thirty times the MACs and a thirtieth of the throughput."""
        throughput = Measurement(metric="throughput", value=60.0, unit="clips/s", method="windows")
        derived = ("views_total", "macs_per_video", "videos_per_second", "seconds_per_video")
        flat = row(record(macs(4.7e9), throughput, latency(0.02), views="10x3"))
        assert [flat[name] for name in derived] == [30, pytest.approx(141e9), 2.0, 0.5]
        assert (flat["views"], flat["macs"], flat["latency"], flat["throughput"]) == ("10x3", 4.7e9, 0.02, 60.0)
        flat = row(record(macs(4.7e9), throughput))
        assert [flat[name] for name in derived] == [None] * 4
        flat = row(record(macs(None), views="10x3"))
        assert [flat[name] for name in derived] == [30, None, None, None]

    def test_caveats(self):
        """Every caveat stands behind the metric that it is about."""
        flat = row(record(macs(caveats=("a", "b")), latency(caveats=("c",))))
        assert flat["caveats"] == "macs: a; macs: b; latency: c"

    def test_provenance(self):
        """Where and when it was taken, and what a MAC is, go with every row."""
        flat = row(record(macs()), environment())
        assert (flat["device_name"], flat["torch"], flat["environment"]) == ("NVIDIA H100", "2.13.0", "k1")
        assert (flat["time"], flat["id"], flat["macs_convention"]) == (
            "2026-11-21T10:00:00+00:00",
            "0123abcd",
            MACS_CONVENTION,
        )
        assert (row(record())["device_name"], row(record())["torch"]) == (None, None)

    def test_rows(self):
        """Each record meets the environment that it names, or none."""
        flat = rows([record(environment="a"), record(environment="b")], {"a": environment(device="A")})
        assert [each["device_name"] for each in flat] == ["A", None]

    def test_metric_of_a_later_version(self):
        """A metric that this version does not know is no column."""
        strange = Measurement(metric="joy", value=1.0, unit="laughs", method="listening")
        assert list(row(record(strange))) == list(COLUMNS)


class TestPublished:
    def test_one_source(self):
        """A figure published for exactly this setting stands beside it with its source."""
        flat = row(record())
        assert flat["published_gmacs"] == "4.73"
        assert flat["published_source"].startswith("PySlowFast MODEL_ZOO.md")

    def test_several_sources(self):
        """Figures that differ are joined, one that several sources give stands once, with its first."""
        flat = row(record(size=256))
        assert flat["published_gmacs"] == "6.2; 6.72"
        first, second = flat["published_source"].split("; ")
        assert "MViT paper" in first
        assert "pytorchvideo" in second

    @pytest.mark.parametrize(
        "setting",
        [{"frames": 8}, {"size": 192}, {"classes": 10}, {"classes": None}, {"task": "train"}, {"model": "MyNet"}],
        ids=str,
    )
    def test_another_setting(self, setting: dict):
        """Nothing is published for another clip, other classes, training, or a net that is not of the catalog."""
        flat = row(record(**setting))
        assert (flat["published_gmacs"], flat["published_source"]) == (None, None)

    def test_classes_name_the_data_set(self):
        """With the 174 classes of Something-Something it is what was published there."""
        assert row(record(size=256, classes=174))["published_gmacs"] == "6.1"


class TestFrame:
    def test_to_frame(self):
        """A data frame has a row a record and all columns, numbers as numbers."""
        frame = to_frame(rows([record(macs(4.7e9), latency()), record(failure=FAILED)], {}))
        assert list(frame.columns) == list(COLUMNS)
        assert frame["macs"].tolist()[0] == 4.7e9
        assert frame["macs"].isna().tolist() == [False, True]
        assert frame["latency"].dtype.kind == "f"

    def test_nothing(self):
        """No rows are a frame with all columns."""
        assert list(to_frame([]).columns) == list(COLUMNS)

    def test_read(self, tmp_path):
        """vidbench.read gives a result file as the rows that its records make."""
        written = [replace(record(macs(), latency(), frames=frames), id=f"{frames}") for frames in (8, 16)]
        file = io.StringIO()
        writer = Writer(file)
        for one in written:
            writer.append(one, environment())
        path = tmp_path / "results.jsonl"
        path.write_text(file.getvalue())
        expected = to_frame(rows(written, {"k1": environment()}))
        assert vidbench.read(path).equals(expected)
        assert vidbench.read(str(path))["device_name"].tolist() == ["NVIDIA H100"] * 2

    def test_read_several(self, tmp_path):
        """Of several files and folders each record comes once; a last line that was cut off is warned of."""
        for number, name in enumerate(("first.jsonl", "second.jsonl")):
            with (tmp_path / name).open("w") as file:
                for frames in (8, 16 + number):
                    Writer(file).append(replace(record(frames=frames), id=f"{frames}"), environment())
        assert vidbench.read(tmp_path / "first.jsonl", tmp_path)["frames"].tolist() == [8, 16, 17]
        with (tmp_path / "second.jsonl").open("a") as file:
            file.write('{"id": "cut o')
        with pytest.warns(UserWarning, match=r"second\.jsonl: its last line is cut off"):
            assert len(vidbench.read(tmp_path)) == 3

    def test_integers(self, tmp_path):
        """What was counted is read to the last digit, as an integer."""
        path = tmp_path / "results.jsonl"
        with path.open("w") as file:
            Writer(file).append(record(macs(2**60 + 1)), environment())
        assert vidbench.read(path)["macs"].tolist() == [2**60 + 1]

    def test_read_nothing(self, tmp_path):
        """A file that is not there is refused."""
        with pytest.raises(InputError, match=r"missing\.jsonl cannot be read"):
            vidbench.read(tmp_path / "missing.jsonl")
