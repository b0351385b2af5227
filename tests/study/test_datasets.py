"""Datasets: what is written is what is read, the same from every format, whole or not at all, the same bytes again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from skyhaul.errors import InputError, OutputError
from skyhaul.study import SAMPLES, SLOTS, Block, DatasetWriter, check_output, open_dataset
from skyhaul.study import _layout as layout_module
from tests.study.runs import START, blocks, layout, snapshot, write

SUFFIXES = (".nc", ".zarr", ".parquet")


def digest(path: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            found.update(str(file.relative_to(path)).encode() + file.read_bytes())
    return found.hexdigest()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read(tmp_path: Path, suffix: str) -> None:
    with open_dataset(write(tmp_path / f"run{suffix}")) as dataset:
        written = list(blocks())
        for variable in SAMPLES:
            expected = np.concatenate([block.samples[variable.name] for block in written])
            np.testing.assert_array_equal(dataset[variable.name].values, expected)
            assert dataset[variable.name].dims == ("time", "terminal")
        for variable in SLOTS:
            expected = np.stack([block.slots[variable.name] for block in written])
            np.testing.assert_array_equal(dataset[variable.name].values, expected)
            assert dataset[variable.name].dims == ("slot", "terminal")
        np.testing.assert_array_equal(dataset["time"].values, np.concatenate([block.time for block in written]))
        np.testing.assert_array_equal(dataset["slot"].values, [block.slot for block in written])
        np.testing.assert_array_equal(dataset["slot_index"].values, np.repeat(np.arange(8), 15))
        assert dataset["gateway"].values.tolist() == ["Zürich", "Warsaw"]
        assert dataset["rtt"].attrs["units"] == "ms"
        assert dataset["outage_cause"].attrs["flag_meanings"].startswith("served no_satellite")
        assert dataset.attrs["seed"] == 7
        np.testing.assert_array_equal(dataset["path_satellite"].values, snapshot().path)
        assert dataset["snapshot_time"].values == START


def test_every_format_holds_the_same(tmp_path: Path) -> None:
    first, *others = (open_dataset(write(tmp_path / f"run{suffix}")).load() for suffix in SUFFIXES)
    for other in others:
        xr.testing.assert_identical(first.drop_attrs(), other.drop_attrs())
        assert first.attrs == other.attrs
    for dataset in (first, *others):
        dataset.close()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_run_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    assert digest(write(tmp_path / f"a{suffix}")) == digest(write(tmp_path / f"b{suffix}"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_chunks_do_not_show(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_dataset(write(tmp_path / f"whole{suffix}")) as whole:
        monkeypatch.setattr(layout_module, "_CHUNK", 20)
        monkeypatch.setattr(layout_module, "_LEAST_ROWS", 7)
        with open_dataset(write(tmp_path / f"pieces{suffix}")) as pieces:
            xr.testing.assert_identical(whole.load(), pieces.load())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_terminal_that_is_never_served_and_a_broken_last_slot(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    with DatasetWriter(path, layout()) as writer:
        for block in blocks(unserved=(0,)):
            if block.slot == START + np.timedelta64(15 * 7, "s"):
                short = {name: column[:4] for name, column in block.samples.items()}
                block = Block(block.slot, block.time[:4], short, block.slots)
            writer.append_block(block)
    with open_dataset(path) as dataset:
        assert dataset.sizes["time"] == 7 * 15 + 4
        assert np.isnan(dataset["rtt"].values[:, 0]).all()
        assert (dataset["serving_satellite"].values[:, 0] == -1).all()
        assert "path_satellite" not in dataset


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_stopped_run_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    def stopped() -> None:
        with DatasetWriter(tmp_path / f"run{suffix}", layout()) as writer:
            writer.append_block(next(blocks()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failed_run_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"run{suffix}")
    before = digest(path)
    with pytest.raises(ZeroDivisionError), DatasetWriter(path, layout(), overwrite=True):
        raise ZeroDivisionError
    assert digest(path) == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_overwriting_is_asked_for(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"run{suffix}")
    with pytest.raises(OutputError, match="--overwrite"):
        DatasetWriter(path, layout())
    with DatasetWriter(path, layout(slots=2), overwrite=True) as writer:
        for block in blocks(slots=2):
            writer.append_block(block)
    with open_dataset(path) as dataset:
        assert dataset.sizes["slot"] == 2


@pytest.mark.parametrize("name", ["run.txt", "run", "none/run.nc", "folder.nc"])
def test_what_cannot_be_written_is_said_before_the_run(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.nc").mkdir()
    (tmp_path / "folder.nc" / "precious").touch()
    with pytest.raises(OutputError) as caught:
        check_output(tmp_path / name, overwrite=True)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "folder.nc" / "precious").exists()


def test_a_folder_that_is_no_store_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "home.zarr").mkdir()
    with pytest.raises(OutputError, match="no dataset of this kind"):
        check_output(tmp_path / "home.zarr", overwrite=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_no_dataset_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match="no such dataset"):
        open_dataset(tmp_path / f"run{suffix}")
    path = tmp_path / f"junk{suffix}"
    path.write_bytes(b"junk")
    with pytest.raises(InputError, match="junk") as caught:
        open_dataset(path)
    assert str(path) in str(caught.value)


def test_another_programs_file_is_refused(tmp_path: Path) -> None:
    xr.Dataset({"temperature": ("x", [1.0])}).to_netcdf(tmp_path / "weather.nc")
    with pytest.raises(InputError, match="no variable rtt"):
        open_dataset(tmp_path / "weather.nc")


def test_a_table_has_one_row_for_each_instant_and_terminal(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.read_parquet(write(tmp_path / "run.parquet"))
    assert len(frame) == 8 * 15 * 3
    assert set(frame["terminal"]) == {"town 0", "town 1", "town 2"}
    lost = frame["outage_cause"] != "served"
    assert frame.loc[lost, "rtt"].isna().all()
    assert frame.loc[lost, "serving_satellite"].isna().all()
    assert frame.loc[~lost, "rtt"].notna().all()
    assert str(frame["time"].dtype) == "datetime64[us, UTC]"


def test_memory_does_not_grow_with_the_run() -> None:
    day = layout(terminals=10, slots=5_760)
    month = layout(terminals=10, slots=30 * 5_760)
    assert month.rows("time") * 10 <= 1 << 18
    assert day.rows("time") <= month.rows("time")
    many = layout(terminals=50_000, slots=5_760)
    assert many.rows("time") * many.terminals_per_chunk("time") <= 1 << 18
