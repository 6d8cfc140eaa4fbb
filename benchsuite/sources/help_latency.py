"""Measured latency of all cells on 27 devices (HELP).

The number after a GPU's name is the batch size of the measurement. Four devices (eyeriss, fpga,
pixel3, raspi4) are those of HW-NAS-Bench, CIFAR-10.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchsuite.sources._source import (
    Folder,
    Imported,
    Source,
    expect,
    github,
    one_per_cell,
    read_zipped_pickle,
)
from benchsuite.table.columns import Column

ID = "help_latency"

_PINS = {
    "1080ti_1": (141039, "4028f52b2c2441da126932e3827ae11a7f76d39818c4374c1b9ab9df236e23f4"),
    "1080ti_256": (141039, "435af0ccfab01f5dc55dc9f2e8b90ca37b396b2656e327bba5ee0b6eb9c24464"),
    "1080ti_32": (141039, "affce4fcdcf6f28622365995ef2ec018bb07d448add59f80633c0978c393cdea"),
    "2080ti_1": (141039, "38cf0e8f698abf8696c69b41a358fe9ddedf5d54cb1ae6f85b04dd8a8f89a1b3"),
    "2080ti_256": (141039, "daee655c44c46955d8318ddf0fa39254e70bab1ae723a6abc53d7b7e4e1561ae"),
    "2080ti_32": (141039, "ebc603ad325850663fc56c8e0fde52fadea28e585a8405864baa20f986eaf29d"),
    "essential_ph_1": (31663, "a97165c8669a216b9ca046041c83a07352bd07f2a42e2d8fea8b51e7ddbcabf0"),
    "eyeriss": (141039, "6f1dd2f8c0442289a09ab78e63e49bde96489f6d455cc33d5fa5aed37edb5d03"),
    "fpga": (141039, "6a0333c1476a3ab039d8c39e5d42ac99efe9e7f3ff521289569013fa84233b28"),
    "gold_6226": (141039, "6a00f63d14f67f8007ec04519f638a90aa6ed5357cf5c0e60c391df37f186c99"),
    "gold_6240": (141039, "ac6dd41f183de69bba21dec3954ac73333b7dec871e0defbcce0572d82536890"),
    "pixel2": (31663, "051845ddefc2bc138f21e2217f6c7827fe280c78375cbfb4b5bd252a888cb950"),
    "pixel3": (141039, "cf1387da12e06b1d4541ce85f3ca4869d551084e09daf4acf024b6e21a80d465"),
    "raspi4": (141039, "2fae425c50bcaef7aacc5391244cd0af98bfc7fba689a8741e461cb18192f57c"),
    "samsung_a50": (31663, "0872cb4ec8ecc7ea1b3bd8c98dd705f2d0f6e4940f3af833b313e484de39b155"),
    "samsung_s7": (31663, "dbae32364b882022adb044b2aa1af77b66f43a180930d9be4d4c13532429f0ea"),
    "silver_4114": (141039, "0cce9dc9ba62ad81c21275298a88cb0e4534db6474a878f089df0abb13293421"),
    "silver_4210r": (141039, "f976049bda39abde94b8f8cac90140cb78a5069fc145c462d6d6bc2f8450727a"),
    "titan_rtx_1": (141039, "a854dac331e2a37d7dcd6ee1f63d1bc6d73ead3aeb0a86f803f45ea1b294859e"),
    "titan_rtx_256": (141039, "cff1fba40b1743d3716cfb74c86ac2463d0682c146f356fa9095ac0d02dfb2a5"),
    "titan_rtx_32": (141039, "1258bee5501fe191530b9898a4f55a122ab30beec9c6ea74598c47a0173babed"),
    "titanx_1": (141039, "3461cc686263bd0ce4d4cd915bfc2fe067deb139cc68da387741bd6443434cb0"),
    "titanx_256": (141039, "04ddb80719515687bd3d722235cd5da821b50bd453a9e580b1e9d321dfb92941"),
    "titanx_32": (141039, "9c4ca69131e34451fb1e104caa47efbe12ffec3cc47bf051613674d7af044ff2"),
    "titanxp_1": (141039, "935aa0041c6592bed90f2f94ff3b4d40e892c066467864b704e6583682a57b20"),
    "titanxp_256": (141039, "9f03206bc62b0dcfc882820de07f55dc1fb7f43f57dfc977e4f0f4b019cb5041"),
    "titanxp_32": (141039, "4b6db63c7a9fb55177aa2649d70031dd86d2ed1609467ef5803dc1089a73cb1b"),
}
_FILES = github(
    "HayeonLee/HELP",
    "45f70eb92d0d735970a33b608d1544ad3c52f285",
    {f"data/nasbench201/latency/{device}.pt": pin for device, pin in _PINS.items()},
)


def read(folder: Folder) -> Iterator[Imported]:
    """Yield the columns of this source; the files hold official order."""
    for device, file in zip(_PINS, _FILES, strict=True):
        path = folder / file.path
        values = one_per_cell(read_zipped_pickle(path), path)
        expect((values > 0).all(), path, "a latency is not positive")
        yield Imported(
            Column(
                name=f"help.{device}",
                description=f"latency on {device}, measured for HELP",
                unit="ms",
                direction="min",
                source=ID,
                version="1",
                kind="reference",
                dataset="cifar10",
            ),
            values,
        )


SOURCE = Source(
    id=ID,
    citation="Lee et al., HELP: Hardware-Adaptive Efficient Latency Prediction, NeurIPS 2021",
    licence="MIT",
    files=_FILES,
    read=read,
)
