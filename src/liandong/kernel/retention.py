"""When a retention period (保管期限) ends.  What is due is appraised by a person, never deleted.

Source: 国家档案局令第8号 arts. 6, 12; 档案法实施条例 (2024) art. 24; catalog/retention_periods.csv.
"""

import re
from typing import Final

UNKNOWN: Final = 0  # no period, or an old word (长期, 短期) that nobody may convert
PERMANENT: Final = 99991231  # YYYYMMDD


def retention_end(code: str, year: str) -> int:
    """The last day (YYYYMMDD) of a period: 31 December of the filing year and n more.

    `code` is Y or D and a number of years.  UNKNOWN when the period or the year says too little.
    """
    if code == "Y":
        return PERMANENT
    term = re.fullmatch(r"D([0-9]{1,3})", code)
    if term is None or re.fullmatch(r"[12][0-9]{3}", year) is None:
        return UNKNOWN
    return (int(year) + int(term[1])) * 10000 + 1231


def longer(day: int, years: int) -> int:
    """The last day of a period that a person extends by so many years from the year of `day`."""
    return (day // 10000 + years) * 10000 + 1231
