"""What was measured is read back as it was written, and a file that is not a result file is refused by its line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from examples import environment, latency, macs, record

from vidbench.errors import InputError
from vidbench.records import SCHEMA, Failure, Measurement, Record
from vidbench.store import Results, Writer, mend, read_all, read_results


def write(path, *pairs, known=()) -> None:
    with path.open("a", encoding="utf-8") as file:
        writer = Writer(file, known)
        for one, where in pairs:
            writer.append(one, where)


def lines(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.jsonl"


class TestRoundTrip:
    def test_records(self, path):
        """Records and their environments come back equal and in their order."""
        here, there = environment(), environment(device="AMD EPYC", driver=None, flags={"tf32": "ieee"}, threads=1)
        full = record(macs(), latency(caveats=("only 3 calls fitted into the time",)), batch=8, dtype="bf16", threads=4)
        unknown = record(
            macs(None, caveats=("depends on the clip",)), environment="k2", classes=None, clip="a clip.mp4"
        )
        failed = record(failure=Failure(kind="oom", message="out of memory: 80 GiB"), frames=512)
        write(path, (full, here), (unknown, there), (failed, here))
        assert read_results(path) == Results((full, unknown, failed), {"k1": here, "k2": there})
        assert read_results(str(path)) == read_results(path)

    def test_text_of_any_kind(self, path):
        """Quotes, newlines, other scripts and Unicode's own line separators in a text do not break a line."""
        message = 'he said "no"\nund zwar größer als 漢字 \u2028 \u2029 \x85 \x0b \x1c \r\n'
        one = record(failure=Failure(kind="error", message=message))
        write(path, (one, environment()), (one, environment()))
        assert read_results(path).records == (one, one)
        assert "größer als 漢字" in path.read_text("utf-8")

    def test_lines_in_another_hand(self, path):
        """Another order, spaces and escapes make the same records; only how fast they are read differs."""
        one = record(macs(), latency(), clip="größer.mp4")
        write(path, (one, environment()))
        head, line = lines(path)
        other = json.dumps(dict(reversed(line.items())), indent=None, separators=(" ,  ", " : "))
        path.write_text("\n".join([json.dumps({"key": "k1", "environment": head["environment"]}), other]))
        assert read_results(path) == Results((one,), {"k1": environment()})

    def test_empty(self, path):
        """A file without a line holds nothing."""
        path.touch()
        assert read_results(path) == Results()


class TestWriter:
    def test_environment_once(self, path):
        """An environment stands once, before the first record that names it."""
        pairs = [(record(environment=key), environment(device=key)) for key in ("a", "b", "a", "b", "a")]
        write(path, *pairs)
        kinds = [line["key"] if "key" in line else line["case"]["model"] for line in lines(path)]
        assert kinds == ["a", "x3d-m", "b", "x3d-m", "x3d-m", "x3d-m", "x3d-m"]

    def test_environment_that_the_file_has(self, path):
        """One that the file has already is not written again when records are added."""
        write(path, (record(), environment()))
        write(path, (record(), environment()), known=read_results(path).environments)
        assert [list(line) for line in lines(path)].count(["environment", "key"]) == 1
        assert len(read_results(path).records) == 2

    def test_line(self, path):
        """A record's line has the keys that readers are promised, and of a figure only what says something."""
        bare = Measurement(metric="params", value=3794322, unit="parameters", method="elements of all parameters")
        write(path, (record(bare, latency()), environment()))
        head, line = lines(path)
        assert set(head) == {"environment", "key"}
        assert set(line) == {
            *("schema", "id", "time", "case", "environment", "conditions", "measurements", "failure"),
        }
        assert set(line["case"]) == {
            *("model", "classes", "frames", "size", "batch", "device", "dtype", "mode", "task", "clip", "views"),
            *("threads", "weights", "repeat"),
        }
        assert (line["schema"], line["environment"], line["failure"]) == (SCHEMA, "k1", None)
        params, seconds = line["measurements"]
        assert params == {
            "metric": "params",
            "value": 3794322,
            "unit": "parameters",
            "method": "elements of all parameters",
        }
        assert seconds["samples"] == [0.02, 0.02, 0.03]

    def test_unknown_figure(self, path):
        """What is unknown is null, never left out."""
        write(path, (record(macs(None)), environment()))
        assert lines(path)[1]["measurements"][0]["value"] is None

    def test_crash(self, path):
        """Each record is in the file as soon as it is handed over."""
        with path.open("w", encoding="utf-8") as file:
            writer = Writer(file)
            for count in (1, 2):
                writer.append(record(frames=count), environment())
                assert [one.case.frames for one in read_results(path).records] == list(range(1, count + 1))

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_no_number(self, path, value: float):
        """What is no number in JSON is not written as one."""
        with pytest.raises(ValueError, match="not JSON compliant"):
            write(path, (record(macs(value)), environment()))
        assert all("measurements" not in line for line in lines(path))


class TestRefusals:
    @pytest.mark.parametrize(
        "line",
        [
            "not json",
            "",
            "{}",
            "[]",
            "5",
            '"text"',
            "null",
            '{"schema": 1}',
            '{"schema": "1"}',
            '{"environment": {"device": "x"}, "key": "k"}',
            '{"environment": 5, "key": "k"}',
        ],
    )
    def test_bad_line(self, path, line: str):
        """A line that is neither a record nor an environment is named by its number."""
        write(path, (record(), environment()))
        with path.open("a") as file:
            file.write(line + "\n")
        with pytest.raises(InputError, match=r"results.jsonl, line 3: not a line of a vidbench result file \(.+\)$"):
            read_results(path)

    @pytest.mark.parametrize(
        ("part", "value"),
        [("case", {}), ("measurements", [{"metric": "macs"}]), ("failure", {"kind": "bored", "message": ""})],
    )
    def test_bad_part(self, path, part: str, value):
        """A record with a part that is none is refused, too."""
        write(path, (record(), environment()))
        head, line = lines(path)
        path.write_text("\n".join(json.dumps(each) for each in (head, {**line, part: value})))
        with pytest.raises(InputError, match=r"results.jsonl, line 2: not a line"):
            read_results(path)

    @pytest.mark.parametrize(
        ("detail", "fault"),
        [
            ({"interval": [0.1]}, "latency: interval is no pair of numbers"),
            ({"p90": "fast"}, "latency: p90 is no number"),
            ({"uncounted": [3]}, "latency: uncounted is no table of numbers"),
            ({"unknown": "aten.relu"}, "latency: unknown is no list of texts"),
        ],
    )
    def test_bad_detail(self, path, detail: dict, fault: str):
        """Details that tables and notes rely on are of the kind that measuring makes them."""
        write(path, (record(latency(details=detail)), environment()))
        with pytest.raises(InputError, match=rf"line 2: not a line of a vidbench result file \({fault}\)"):
            read_results(path)

    def test_newer_schema(self, path):
        """A record of a newer vidbench is refused as such, although its parts may be unknown here."""
        write(path, (record(), environment()))
        with path.open("a") as file:
            file.write(json.dumps({"schema": SCHEMA + 1, "unheard": "of"}) + "\n")
        with pytest.raises(InputError, match=rf"line 3: written by a newer vidbench \(schema {SCHEMA + 1}\)"):
            read_results(path)
        head, line = lines(path)[:2]
        path.write_text("\n".join(json.dumps(each) for each in (head, line, {**line, "schema": SCHEMA + 1})))
        with pytest.raises(InputError, match=rf"line 3: written by a newer vidbench \(schema {SCHEMA + 1}\)"):
            read_results(path)

    def test_unreadable(self, tmp_path):
        """A file that is missing, a folder or no text is refused by its name."""
        (tmp_path / "image").write_bytes(b"\xff\xd8\xff\xe0")
        for name, fault in (("missing", " cannot be read: "), (".", " cannot be read: "), ("image", ", line 1: not a")):
            with pytest.raises(InputError, match=f"^{tmp_path / name}{fault}"):
                read_results(tmp_path / name)


class TestCutOff:
    @pytest.fixture
    def cut(self, path):
        """A file of two records, the second cut off in the middle of a letter of two bytes."""
        write(path, (record(macs()), environment()), (record(clip="größer.mp4"), environment()))
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.rindex("ö".encode()) + 1])
        return path

    def test_read(self, cut):
        """What a crash left of a last line is left out, with one warning; all before it is there."""
        results = read_results(cut)
        assert results.records == (record(macs()),)
        assert results.warnings == (
            f"{cut}: its last line is cut off and left out; what it was of is to be measured again",
        )

    def test_every_cut_is_survived(self, cut):
        """Wherever the end was lost, what is left can be read, mended and added to."""
        whole = cut.read_bytes()
        for end in range(0, len(whole), 7):
            cut.write_bytes(whole[:end])
            before = read_results(cut).records
            mend(cut)
            assert read_results(cut) == Results(before, read_results(cut).environments)
            write(cut, (record(frames=99), environment()), known=read_results(cut).environments)
            assert read_results(cut).records == (*before, record(frames=99))

    def test_missing_newline(self, path):
        """A whole last line without its newline is a line."""
        write(path, (record(macs()), environment()))
        path.write_bytes(path.read_bytes()[:-1])
        assert read_results(path) == Results((record(macs()),), {"k1": environment()})

    def test_elsewhere(self, cut):
        """A line that is broken in the middle of a file is no crash's, and refused."""
        with cut.open("a") as file:
            file.write("\n{}\n")
        with pytest.raises(InputError, match="line 3: not a line"):
            read_results(cut)


class TestSeveral:
    def test_files_and_folders(self, tmp_path):
        """Folders stand for the result files below them; a record that is in two files comes once."""
        (tmp_path / "a" / "b").mkdir(parents=True)
        one, other = record(), replace(record(frames=8), id="other", environment="k2")
        write(tmp_path / "a" / "b" / "x.jsonl", (one, environment()))
        write(tmp_path / "a" / "y.jsonl", (one, environment()), (other, environment(threads=1)))
        (tmp_path / "a" / "notes.txt").write_text("nothing of ours")
        expected = Results((one, other), {"k1": environment(), "k2": environment(threads=1)})
        assert read_all([tmp_path]) == read_all([tmp_path / "a" / "y.jsonl", tmp_path / "a"]) == expected

    def test_nothing_there(self, tmp_path):
        """A folder without results, and a file that is not there, are named."""
        for place in (tmp_path, tmp_path / "missing.jsonl"):
            with pytest.raises(InputError, match=str(place)):
                read_all([place])


def test_measurement_of_a_record():
    """A record gives the measurement of a metric, or None."""
    one: Record = record(macs(), latency())
    assert one.measurement("latency") == latency()
    assert one.measurement("energy") is None


def test_committed_results_can_be_read():
    """Every result file of the repository is read back whole, each record's environment with it."""
    files = sorted((Path(__file__).parents[1] / "results").rglob("*.jsonl"))
    assert files
    for file in files:
        results = read_results(file)
        assert results.records
        assert {record.environment for record in results.records} <= set(results.environments)
