"""The pickle reader: the same data as pickle.load, nothing but data, and no crash on any bytes."""

import contextlib
import io
import os
import pickle
import struct
import tracemalloc
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchsuite.errors import UserError
from benchsuite.sources._pickle_values import Array, Opaque
from benchsuite.sources._pickles import PickleStream


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


def test_deep_nesting_is_no_crash():
    depth = 50_000
    assert isinstance(load(b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."), list)
    with pytest.raises(UserError):
        load(b"\x80\x02}" + b")" + b"\x85" * depth + b"K\x01s.")


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
