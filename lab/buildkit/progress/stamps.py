"""Times as they stand before the lines of logs: a pattern that takes any of them."""

from __future__ import annotations

import re

MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
ZONE = r"(?: ?(?:Z|UTC|GMT|CES?T|[ECMP][SD]T|[+-]\d\d:?\d\d)(?![A-Za-z0-9]))?"
CLOCK = rf"\d{{1,2}}:\d\d(?::\d\d)?(?:[.,:]\d{{1,9}})?(?: ?[AaPp]\.?[Mm]\.?)?{ZONE}"
DATE = (
    rf"(?:\d{{4}}[-/.](?:\d\d|{MONTH})[-/.]\d\d|\d{{1,2}}[-/ ]{MONTH}[-/ ,]{{1,2}}\d{{2,4}}|"
    rf"{MONTH} {{1,2}}\d{{1,2}}(?:,? \d{{4}})?|\d{{1,2}}[-/.]\d{{1,2}}[-/.](?:\d{{4}}|\d\d))"
)
STAMP = rf"(?:{DAY},? {{1,2}})?(?:{DATE}(?:[T _:]|, ?| at )?)?{CLOCK}(?: \d{{4}})?|(?:{DAY},? {{1,2}})?{DATE}"
EPOCH = r"1\d{9}(?:[.,]\d{1,9}|\d{3}|\d{6}|\d{9})?"
ELAPSED = r"\+?(?:\d{1,9}(?:\.\d{1,9})?(?:ms|us|µs|ns|s|m|h)){1,4}|\d{1,9}\.\d{1,9}"
TIME = rf"(?<![\w.])(?:{STAMP}|{EPOCH}|{ELAPSED})(?!\w)"
# A line that holds nothing but a time, in any brackets.
ALONE = re.compile(rf"[\s\[(]*{TIME}[\s\])]*$")
# A time at the beginning of a line, in any brackets, before other text.
LEADING = re.compile(rf"[ \t\[(]{{0,20}}{TIME}[\])]?(?: ?[|:-])?[ \t]")
