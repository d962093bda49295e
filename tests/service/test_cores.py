import os
from pathlib import Path

import pytest

from service.cores import available_cores

AFFINITY = set(range(8))


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: AFFINITY)


def test_without_a_quota_all_cores_count(tmp_path: Path) -> None:
    assert available_cores(tmp_path) == 8


@pytest.mark.parametrize(("text", "cores"), [("150000 100000", 2), ("max 100000", 8)])
def test_quota_of_cgroup_2_counts(tmp_path: Path, text: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert available_cores(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("50000", 1), ("-1", 8), ("300000", 3)])
def test_quota_of_cgroup_1_counts(tmp_path: Path, quota: str, cores: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert available_cores(tmp_path) == cores


def test_quota_above_the_cores_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("9900000 100000")
    assert available_cores(tmp_path) == 8
