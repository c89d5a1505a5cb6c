"""What a compute worker says of files that are not on its machine."""

from pathlib import Path

import pytest

from liandong.intake.services.pagework import CountJob, ReadJob, count_pages, read_pages
from liandong.intake.services.steps import is_machine_trouble


def test_a_file_that_is_not_there_is_trouble_of_the_machine(tmp_path: Path) -> None:
    gone = tmp_path / "gone.pdf"
    with pytest.raises(OSError, match="shared") as counted:
        count_pages(CountJob(1, gone, "fmt/18"))
    with pytest.raises(OSError, match="shared") as read:
        read_pages(ReadJob(1, gone, "fmt/18", (1,), tmp_path / "images"))
    assert is_machine_trouble(counted.value)
    assert is_machine_trouble(read.value)
    assert not (tmp_path / "images").exists()
