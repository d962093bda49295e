from tests.server import ROOT
from tests.side_by_side import LONGEST_FIRST, work_of


def test_what_takes_long_is_there() -> None:
    assert [work for work in LONGEST_FIRST if not (ROOT / work).exists()] == []


def test_a_file_is_one_piece_of_work_and_so_are_all_that_share_a_browser() -> None:
    assert work_of("tests/test_proof.py::test_a[b::c]") == "tests/test_proof.py"
    assert work_of("tests/test_nginx.py::test_a") == "tests/test_nginx.py"
    assert work_of("tests/service/pages/test_live.py::test_a") == "tests/service/pages/"
