"""Every reader of foreign bytes, on changed files: taken or refused by a sentence, nothing else.

BENCHSUITE_FUZZ=100000 tries as many changes of each (default 25); `guided.py` beside this file
looks for such that reach new code.
"""

import os
import re

import pytest
import readers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FUZZ = int(os.environ.get("BENCHSUITE_FUZZ", "25"))
NAMES = tuple(readers.readers())
# Where (a share of the file's length), how many bytes go, and what comes instead.
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from([0, 1, 1, 1, 2, 8, 100]),
        st.one_of(st.binary(max_size=8), st.sampled_from([b"[" * 5000, b"(" * 5000, b"9" * 5000])),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("name", NAMES)
def test_changed_files_are_taken_or_refused_by_a_sentence(name, tmp_path):
    contents = readers.readers()[name][2]

    @settings(
        max_examples=FUZZ, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.sampled_from(contents), CHANGES, st.one_of(st.none(), st.none(), st.floats(0, 1)))
    def check(content, changes, cut):
        changed = bytearray(content)
        for share, gone, new in changes:
            at = int(share * len(changed))
            changed[at : at + gone] = new
        readers.read(name, bytes(changed[: int((cut or 1) * len(changed))]), tmp_path)

    for content in contents:
        readers.read(name, content, tmp_path)
    check()


# What libraries say of damaged bytes is about their own workings.
INTERNAL = re.compile(
    r"Error\b|unpack|codec can|magic|thrift|TType|tokeniz|errno|allow_pickle|NoneType"
    r"|buffer"
    r"|central|decompress|delimiter|(?<!\w)b'|\bseek|\bCRC|\buint|\(char|field of type"
    r"|Invalid (data|argument)|Expecting|object is not|invalid literal|not enough values"
    r"|out of range",
    re.IGNORECASE,
)


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_told_in_words_for_whoever_made_it(name, tmp_path):
    for content in readers.readers()[name][2]:
        changed = [content[: len(content) * part // 12] for part in range(12)]
        for place in range(40):
            at = len(content) * place // 40
            changed += [
                content[:at] + new + content[at + gone :]
                for gone, new in ((1, b"\xff"), (1, b"\0"), (4, b"[1, 2"), (8, b""))
            ]
        for damaged in changed:
            said = readers.refusal(name, damaged, tmp_path)
            own = re.sub(r"asks for .*, which is not data", "", said)  # A name of the file's.
            assert not (found := INTERNAL.search(own)), f"{found}: {said}"
