"""The pickle reader: the same data as pickle.load, nothing but data, and no crash on any bytes."""

import bz2
import contextlib
import io
import os
import pickle
import struct
import time
import tracemalloc
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchsuite.errors import UserError
from benchsuite.sources._pickle_values import Array, Opaque
from benchsuite.sources._pickles import PickleStream
from benchsuite.sources._source import read_pickle


def load(content, **options):
    return PickleStream(io.BytesIO(content), "a file").load(**options)


class Dribble(io.RawIOBase):
    """A file that hands out a few bytes at a time."""

    def __init__(self, content, step):
        self._content, self._step = io.BytesIO(content), step

    def read(self, _=-1):
        return self._content.read(self._step)


atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=300),
)
keys = st.one_of(st.text(max_size=5), st.integers(), st.tuples(st.text(max_size=3), st.integers()))
plain = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.tuples(inner, inner),
        st.dictionaries(keys, inner, max_size=5),
        st.sets(st.integers(), max_size=4),
    ),
    max_leaves=30,
)


@given(plain, st.integers(2, 5), st.integers(1, 40))
def test_plain_data_is_what_pickle_reads(value, protocol, step):
    content = pickle.dumps(value, protocol)
    assert PickleStream(Dribble(content, step), "a file").load() == value


@given(st.integers(2, 5), st.sampled_from(["f8", "f4", ">f8", "i8", "u1", "?", "i4"]))
def test_numpy_arrays_and_scalars(protocol, code):
    rng = np.random.default_rng(0)
    array = rng.integers(0, 2, size=(3, 4)).astype(code)
    for wanted in (array, np.asfortranarray(array), array[:, ::2], np.empty((0, 3))):
        found = load(pickle.dumps(wanted, protocol))
        assert isinstance(found, Array)
        assert np.array_equal(found.values, wanted)
        assert found.values.dtype == wanted.dtype
    assert load(pickle.dumps(array[0, 0], protocol)) == array[0, 0]


def test_arrays_of_strings_and_ordered_dictionaries():
    value = OrderedDict(names=np.array(["a", "bc"], dtype=object))
    found = load(pickle.dumps(value, 4))
    assert list(found) == ["names"]
    assert found["names"].values.tolist() == ["a", "bc"]


def test_several_pickles_in_one_file():
    stream = PickleStream(io.BytesIO(pickle.dumps([1], 2) + pickle.dumps("two", 2)), "a file")
    assert stream.load() == [1]
    assert stream.load() == "two"
    with pytest.raises(UserError, match="cut short"):
        stream.load()


def named(module, name, args=b")", protocol=2):
    return b"\x80" + bytes([protocol]) + f"c{module}\n{name}\n".encode() + args + b"R."


HOSTILE = {
    "os.system": named("os", "system", b"X\x07\x00\x00\x00touch x\x85"),
    "posix.system": named("posix", "system", b"X\x07\x00\x00\x00touch x\x85"),
    "subprocess.Popen": named("subprocess", "Popen", b"X\x04\x00\x00\x00true\x85"),
    "builtins.eval": named("builtins", "eval", b"X\x03\x00\x00\x001+1\x85"),
    "builtins.exec": named("__builtin__", "exec", b"X\x03\x00\x00\x001+1\x85"),
    "builtins.getattr": named("builtins", "getattr", b"NX\x01\x00\x00\x00x\x86"),
    "numpy.load": named("numpy", "load", b"X\x01\x00\x00\x00x\x85"),
    "numpy.f2py.compile": named("numpy.f2py", "compile", b"X\x01\x00\x00\x00x\x85"),
    "numpy.core.multiarray.frombuffer": named("numpy.core.multiarray", "frombuffer"),
    "numpy.core.memmap.memmap": named("numpy.core.memmap", "memmap"),
    "numpy.testing.runstring": named("numpy.testing._private.utils", "runstring"),
    "torch.load": named("torch", "load", b"X\x01\x00\x00\x00x\x85"),
    "pandas.read_pickle": named("pandas", "read_pickle"),
    "builtins.bytearray": named("builtins", "bytearray", b"J\xff\xff\xff\x7f\x85"),
    "codecs.open": named("_codecs", "open"),
    "collections.OrderedDict.fromkeys": named("collections", "OrderedDict.fromkeys"),
    "an array made without content": named("numpy", "ndarray", b"J\xff\xff\xff\x7f\x85\x85"),
    "a structured type": named("numpy", "dtype", b"X\x03\x00\x00\x00V16\x85"),
    "a call of a string": b"\x80\x02X\x01\x00\x00\x00x)R.",
    "a changed constructor": b"\x80\x02cnumpy\ndtype\n}X\x01\x00\x00\x00aK\x01sb.",
    "a slot of a constructor": b"\x80\x02cnumpy\ndtype\nN}X\x01\x00\x00\x00aK\x01s\x86b.",
    "an extension code": b"\x80\x02\x82\x01.",
    "an old-style instance": b"(ios\nsystem\n.",
    "an old-style object": b"\x80\x02(cos\nsystem\no.",
    "a huge string": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x.",
    "a nested key": b"\x80\x02}K\x01\x85\x85\x85K\x01s.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused_and_run_nothing(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError):
        load(HOSTILE[name])
    assert not os.listdir(tmp_path)


def test_a_refusal_names_the_class():
    with pytest.raises(UserError, match=r"os\.system.*Nothing in it was run"):
        load(HOSTILE["os.system"])


def test_real_exploits_of_pickle_are_refused(tmp_path):
    class Exploit:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'made'}",)

    for protocol in range(2, 6):
        for value in (Exploit(), {"a": [1, Exploit()]}, np.array([Exploit()], dtype=object)):
            with pytest.raises(UserError):
                load(pickle.dumps(value, protocol))
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_truncation_is_refused(protocol):
    content = pickle.dumps({"a": [1.5, "text", (1, 2)], "b": np.arange(3.0), "c": {1, 2}}, protocol)
    load(content)
    for length in range(len(content)):
        with pytest.raises(UserError):
            load(content[:length])


DEEP = b")" + b"\x85" * 50_000
LISTS = b"]" * 50_000 + b"a" * 49_999
ARRAY = b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
DTYPE = b"cnumpy\ndtype\nX\x02\x00\x00\x00f8\x85R"


@pytest.mark.parametrize("value", [DEEP, LISTS])
@pytest.mark.parametrize(
    "content",
    [
        b"%b.",
        b"%b\x85.",
        b"}%bK\x01s.",
        b"}K\x01%bs.",
        b"}(%bK\x01u.",
        b"}(K\x01%bu.",
        b"cnumpy\ndtype\n%b\x85R.",
        b"cnumpy\ndtype\n%bR.",
        DTYPE + b"(K\x03%bNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb.",
        DTYPE + b"(K\x03X\x01\x00\x00\x00<%bNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb.",
        DTYPE + b"%bb.",
        ARRAY + b"(K\x01%b" + DTYPE + b"\x89C\x00tb.",
        ARRAY + b"(K\x01K\x00\x85%b\x89C\x00tb.",
        ARRAY + b"(K\x01K\x00\x85" + DTYPE + b"\x89%btb.",
        b"c_codecs\nencode\nX\x00\x00\x00\x00%b\x86R.",
        b"c_codecs\nencode\n%bX\x06\x00\x00\x00latin1\x86R.",
        b"cbuiltins\nset\n%b\x85R.",
        b"cbuiltins\nset\n]%ba\x85R.",
        b"ccollections\nOrderedDict\n](%bK\x01ee\x85R.",
        b"ccollections\nOrderedDict\n]%ba\x85R.",
        b"cbuiltins\nslice\n%b\x85R.",
        b"\x8f(%b\x90.",
        b"%bQ.",
        b"%bX\x01\x00\x00\x00x\x93.",
        b"cnumpy._core.multiarray\nscalar\n%bC\x00\x86R.",
        b"cnumpy._core.numeric\n_frombuffer\n(C\x00" + DTYPE + b"%bX\x01\x00\x00\x00CtR.",
        b"cnumpy._core.numeric\n_frombuffer\n(C\x00" + DTYPE + b"K\x00\x85%btR.",
    ],
)
def test_what_is_nested_deeply_is_refused_wherever_it_stands(content, value):
    with contextlib.suppress(UserError):
        assert np.size(load(b"\x80\x04" + content.replace(b"%b", value)).values) == 0


def test_nesting_is_bounded_and_shared_parts_are_gone_through_once():
    with pytest.raises(UserError, match="64 containers"):
        load(b"\x80\x02" + b"]" * 65 + b"a" * 64 + b".")
    assert load(b"\x80\x02" + b"]" * 64 + b"a" * 63 + b".")
    doubled = b"\x80\x02(]q\x00" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(60))
    assert len(load(doubled + b"t.")) == 61


SOME = b"](" + b"J\x01\x02\x03\x04" * 20_000 + b"eq\x00("
PAIRS = b"](" + b"K\x01K\x02\x86" * 20_000 + b"eq\x00("
WORD = b"X" + struct.pack("<I", 100_000) + b"x" * 100_000 + b"q\x00("
OBJECTS = (
    SOME + ARRAY + b"(K\x01M\x20\x4e\x85cnumpy\ndtype\nX\x02\x00\x00\x00O8\x85R\x89h\x00tq\x01b"
)
# What begins, what comes again, how often: few bytes each, which would take gigabytes or hours.
BOMBS = {
    "sets of one list": (SOME, b"cbuiltins\nset\nh\x00\x85R", 20_000),
    "mappings of one list": (PAIRS, b"ccollections\nOrderedDict\nh\x00\x85R", 20_000),
    "encodings of one text": (WORD, b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R", 40_000),
    "arrays of one list": (OBJECTS, b"h\x01b", 1_000_000),
    "names": (b"", b"cnumpy\ndtype\n", 1_000_000),
    "marks": (b"", b"(", 100_000_000),
    "sets": (b"(", b"\x8f", 100_000_000),
    "references": (b"N", b"\x94", 100_000_000),
    "tuples": (b"(", b")\x85", 100_000_000),
    "nothing": (b"(", b"N", 100_000_000),
    "texts": (b"(", b"X\x01\x00\x00\x00x", 20_000_000),
    "a long text": (b"X" + struct.pack("<I", 2**30), b"x", 100_000_000),
}


QUICK = ("sets of one list", "arrays of one list", "marks", "references", "a long text")


@contextlib.contextmanager
def a_gigabyte():
    """Leave this process so much memory and no more."""
    resource = pytest.importorskip("resource")
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**30, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is told by Linux")
@pytest.mark.parametrize("name", BOMBS if "BENCHSUITE_FUZZ" in os.environ else QUICK)
def test_bombs_are_refused_before_they_fill_memory_or_time(name, tmp_path):
    start, more, times = BOMBS[name]
    path = tmp_path / "bomb.pickle.pbz2"
    packer = bz2.BZ2Compressor(1)
    packed = packer.compress(b"\x80\x04" + start)
    chunk = more * (1_000_000 // len(more))
    for _ in range(min(40, times * len(more) // len(chunk) + 1)):
        packed += packer.compress(chunk)
    path.write_bytes(packed + packer.flush())
    began = time.monotonic()
    with a_gigabyte(), pytest.raises(UserError, match="asks for"):
        read_pickle(path)
    assert time.monotonic() - began < 60


@example(b"\x80\x04]\x94(h\x00e.")
@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_random_bytes_never_crash(content):
    for start in (b"", b"\x80\x04", b"\x80\x04]("):
        with contextlib.suppress(UserError):
            load(start + content)


SEEDS = [
    pickle.dumps({"a": [1.5, "text", (1, 2)], "b": np.arange(3.0), "c": {1}}, protocol)
    for protocol in (2, 4, 5)
] + [pickle.dumps([np.float64(1), np.array(["x"], dtype=object)], 2)]


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255), st.integers(0, 2)), max_size=8),
)
@settings(max_examples=300)
def test_mutated_pickles_never_crash(content, changes):
    mutated = bytearray(content)
    for at, byte, kind in changes:
        place = at % len(mutated)
        if kind == 0:
            mutated[place] = byte
        elif kind == 1:
            mutated.insert(place, byte)
        elif len(mutated) > 1:
            del mutated[place]
    with contextlib.suppress(UserError):
        load(bytes(mutated))


def take(record):
    return record.get("id")


@pytest.mark.parametrize("protocol", [2, 4])
def test_replaced_records_are_dropped_but_shared_atoms_survive(protocol):
    shared, number = "a string " * 3, 1.25
    records = {i: {"id": i, shared: [number, shared, ("t", 7)], "own": f"{i}"} for i in range(50)}
    stream = io.BytesIO(pickle.dumps({"records": records, "last": shared}, protocol))
    seen = []

    def count(record):
        if "id" in record:
            seen.append(record)
            return record["id"]
        return None

    whole = PickleStream(stream, "a file").load(count)
    assert whole == {"records": {i: i for i in range(50)}, "last": shared}
    assert seen == list(records.values())


def test_memory_does_not_grow_with_the_records():
    def peak(count):
        rows = {f"key {k}": k / 7 for k in range(100)}
        records = {i: {"id": i, "x": {key: x + i for key, x in rows.items()}} for i in range(count)}
        content = pickle.dumps(records, 4)
        del records
        tracemalloc.start()
        try:
            PickleStream(Dribble(content, 4096), "a file").load(take)
            return len(content), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    (small, low), (large, high) = peak(100), peak(200)
    assert high - low < (large - small) / 2


def test_a_container_of_a_dropped_record_is_no_longer_there():
    shared, seen = [1], []
    content = pickle.dumps([{"id": 1, "x": shared}, {"id": 2, "x": shared}], 4)

    def take(record):
        seen.append(record["x"])
        return record["id"]

    assert load(content, replace=take) == [1, 2]
    assert seen == [[1], Opaque("dropped", ())]


def test_torch_tensors_stay_opaque():
    content = named("torch._utils", "_rebuild_tensor_v2", b"K\x01\x85")
    found = load(content)
    assert found == Opaque("torch._utils._rebuild_tensor_v2", (1,))
