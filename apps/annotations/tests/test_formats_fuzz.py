import pytest

from apps.annotations.formats import FORMATS, read

from .formats_fuzz import check_reading, fuzz
from .formats_fuzz_archives import originals
from .formats_helpers import MemorySource


@pytest.mark.parametrize("format", FORMATS)
def test_the_archives_that_are_mangled_can_be_read_before(format):
    for files in originals(format):
        check_reading(read(MemorySource(files)))


@pytest.mark.parametrize("format", FORMATS)
def test_mangled_archives_raise_nothing_but_the_formats_own_errors(format):
    tally = fuzz(format, 200)
    assert tally["read"] > 20
    assert tally["refused"] > 5
