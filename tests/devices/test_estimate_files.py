"""Files of networks that are refused with a sentence, or read without their weights."""

import time
import tracemalloc

import model_files
import pytest

import benchsuite as bs
from benchsuite.devices._models.reading import read


@pytest.mark.parametrize("said", ["floating point", "not fixed", "damaged", "no .tflite"])
def test_a_bad_tflite_file_is_a_sentence_within_a_second(said, tmp_path):
    content = model_files.to_tflite(read("resnet8"))
    path = tmp_path / "m.tflite"
    path.write_bytes(
        {
            "floating point": model_files.patched(content, 3, 1, 0),
            "not fixed": model_files.patched(content, 0, 0, -1),
            "damaged": content[: len(content) // 2],
            "no .tflite": b"TFL2" * 4,
        }[said]
    )
    start = time.perf_counter()
    with pytest.raises(bs.UserError, match=said):
        read(str(path))
    assert time.perf_counter() - start < 1


def test_a_float_onnx_file_and_others_are_refused(tmp_path):
    import onnx

    path = tmp_path / "m.onnx"
    path.write_bytes(model_files.to_onnx(read("resnet8"), quantised=False))
    with pytest.raises(bs.UserError, match="floating point"):
        read(str(path))
    file = onnx.load_from_string(model_files.to_onnx(read("resnet8")))
    file.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    path.write_bytes(file.SerializeToString())
    with pytest.raises(bs.UserError, match="not fixed"):
        read(str(path))
    for content in (b"", b"\xff" * 40, b"\x3a\xff\xff\xff\xff\x0f", b"text"):
        path.write_bytes(content)
        with pytest.raises(bs.UserError, match=r"damaged|cannot be read"):
            read(str(path))


def test_a_device_that_is_named_is_not_left_out():
    with pytest.raises(bs.UserError, match="stm32l432 has no runtime tinyengine; it has own"):
        bs.estimate("resnet8", device=["stm32f746", "stm32l432"], runtime="tinyengine")
    shown = bs.estimate("resnet8", device=["stm32f746", "stm32l432"], runtime=["tinyengine", "own"])
    assert [one.runtime for one in shown.estimates] == ["own", "tinyengine", "own"]


def test_weights_in_other_files_are_not_needed(tmp_path):
    import onnx

    file = onnx.load_from_string(model_files.to_onnx(read("mobilenet_v1")))
    onnx.save_model(
        file, tmp_path / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=900
    )
    (tmp_path / "w.bin").unlink()
    assert read(str(tmp_path / "m.onnx")).macs == read("mobilenet_v1").macs


@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_weights_of_a_large_file_are_never_in_memory(file_format, tmp_path):
    """25 MB of weights are read in less than a second and 2 MB."""
    rows = "name,operator,size,channels\nimage,input,1,5000\na,linear,,5000\n"
    (tmp_path / "m.csv").write_text(rows)
    model = read(str(tmp_path / "m.csv"))
    path = tmp_path / f"m.{file_format}"
    write = model_files.to_tflite if file_format == "tflite" else model_files.to_onnx
    path.write_bytes(write(model))
    assert path.stat().st_size > 25_000_000
    read(str(path))  # What is imported is not what is measured.
    tracemalloc.start()
    start = time.perf_counter()
    assert read(str(path)).macs == 25_000_000
    seconds = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 1
    assert peak < 2_000_000


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "no operators"),
        ("name,size\n", "columns are"),
        ("name,operator,colour\n", "'colour' is none"),
        ("name,operator\na,conv\n", "line 2.*first layer is an 'input'"),
        (
            "# note\nname,operator,size,channels\na,input,8,3\nb,cnov,,\n",
            "line 4.*Did you mean conv",
        ),
        ("name,operator,size,channels\na,input,8,x\n", "whole number of channels"),
        ("name,operator,size,channels\na,input,8x8x8,3\n", "size as 3 or 10x4"),
        ("name,operator,size,channels\na,input,8,3\na,relu,,\n", "a name of its own"),
        ("name,operator,size,channels,reads\na,input,8,3,\nb,relu,,,c\n", "reads 'c'"),
        ("name,operator,size,channels,kernel\na,input,8,3,\nb,conv,,4,0\n", "kernel above 0"),
        (
            "name,operator,size,channels,kernel,padding\na,input,8,3,,\nb,conv,,4,9,valid\n",
            "larger than the image",
        ),
        ("name,operator,size,channels\na,input,99999999,3\n", "1 to 65,536"),
        ("name,operator,size,channels,relu\na,input,8,3,\nb,relu,,,yes\n", "relu is 0 or 1"),
        ("name,operator\na,b,c\n", "3 fields"),
        (
            "name,operator,size,channels,kernel,relu\na,input,8,3,,\nb,avg_pool,,,2,1\n",
            "line 3: avg_pool has no relu, and b states '1'",
        ),
        (
            "name,operator,size,channels,kernel\na,input,8,3,\nb,conv,9,4,3\n",
            "line 3: conv has no size, and b states '9'",
        ),
    ],
)
def test_a_bad_list_of_layers_says_which_line(rows, said, tmp_path):
    (tmp_path / "m.csv").write_text(rows)
    with pytest.raises(bs.UserError, match=said):
        read(str(tmp_path / "m.csv"))
