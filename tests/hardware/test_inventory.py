import json

import pytest

from auditor.errors import ExportRefusedError
from auditor.hardware.inventory import NodeInventory, read_node_listing

MIB = 2**20

SINFO = """\
NODELIST GRES CPUS MEMORY AVAIL_FEATURES
gpu-1 gpu:a100:4(S:0-1) 128 512000 a100,sxm4,milan
gpu-1 gpu:a100:4(S:0-1) 128 512000 a100,sxm4,milan
gpu-2 gpu:4 64 256000 (null)
cpu-1 (null) 96 192000 genoa
"""

SINFO_BARS = """\
AVAIL_FEATURES|MEMORY|S:C:T|CPUS|GRES|NODELIST
a100,sxm4|512000|2:32:2|128|gpu:a100:4(S:0-1)|gpu-[1-2]
genoa|192000|2:48:1|96+|(null)|cpu-1
"""

SCONTROL = """\
NodeName=gpu-1 Arch=x86_64 CoresPerSocket=32
   CPUAlloc=1 CPUEfctv=128 CPUTot=128 CPULoad=0.00
   AvailableFeatures=a100,sxm4
   ActiveFeatures=a100,sxm4
   Gres=gpu:a100:4(S:0-1),shard:16
   OS=Linux 6.1.0 #1 SMP
   RealMemory=512000 AllocMem=1000 FreeMem=22869 Sockets=2 Boards=1
   State=MIXED ThreadsPerCore=2 TmpDisk=0
   CfgTRES=cpu=128,mem=500G,billing=128,gres/gpu=4
   Comment=ask alice Gres=gpu:b200:8 CPUTot=1

NodeName=cpu-1 Arch=x86_64 CoresPerSocket=48
   CPUTot=96 AvailableFeatures=(null) Gres=(null)
   RealMemory=192000 Sockets=2 ThreadsPerCore=1
"""


def profile(text, node, **arguments):
    return read_node_listing(text, **arguments).nodes("")[node]


def test_sinfo_table():
    nodes = read_node_listing(SINFO).nodes("alpha")
    assert sorted(nodes) == ["cpu-1", "gpu-1", "gpu-2"]
    first = nodes["gpu-1"]
    assert (first.gpu_types, first.n_gpus, first.n_cores) == (("a100",), 4, 128)
    assert first.memory_bytes == 512000 * MIB
    assert first.features == ("a100", "sxm4", "milan")
    assert first.n_cpus_per_core is None
    assert first.rule == "node listing: gres gpu:a100:4(S:0-1) and features a100,sxm4,milan"
    assert (nodes["gpu-2"].gpu_types, nodes["gpu-2"].n_gpus) == ((), 4)
    assert nodes["gpu-2"].features == ()
    assert (nodes["cpu-1"].gpu_types, nodes["cpu-1"].n_gpus) == ((), 0)


def test_columns_in_any_order_with_bars_host_lists_and_topology():
    nodes = read_node_listing(SINFO_BARS).nodes("")
    assert sorted(nodes) == ["cpu-1", "gpu-1", "gpu-2"]
    assert nodes["gpu-1"] is nodes["gpu-2"]
    assert nodes["gpu-2"].n_cpus_per_core == 2.0
    assert nodes["cpu-1"].n_cpus_per_core == 1.0
    assert nodes["cpu-1"].n_cores == 96


@pytest.mark.parametrize("one_line", [False, True], ids=["records", "one line each"])
def test_scontrol(one_line):
    text = SCONTROL
    if one_line:
        text = "\n".join(" ".join(record.split()) for record in SCONTROL.split("\n\n"))
    nodes = read_node_listing(text).nodes("")
    assert sorted(nodes) == ["cpu-1", "gpu-1"]
    first = nodes["gpu-1"]
    assert (first.gpu_types, first.n_gpus, first.n_cores) == (("a100",), 4, 128)
    assert first.features == ("a100", "sxm4")
    assert first.memory_bytes == 512000 * MIB
    assert first.n_cpus_per_core == 2.0
    assert (nodes["cpu-1"].n_gpus, nodes["cpu-1"].features) == (0, ())


@pytest.mark.parametrize(
    ("entry", "threads"),
    [
        (
            {
                "name": "gpu-1",
                "gres": "gpu:a100:4(S:0-1)",
                "cpus": 128,
                "real_memory": 512000,
                "features": "a100,sxm4",
                "sockets": 2,
                "cores": 32,
                "threads": 2,
            },
            2.0,
        ),
        (
            {
                "name": "gpu-1",
                "gres": "gpu:a100:4",
                "cpus": 64,
                "real_memory": 512000,
                "features": ["a100", "sxm4"],
                "sockets": 2,
                "cores": 32,
                "threads": 2,
            },
            1.0,
        ),
        (
            {
                "nodes": {"nodes": ["gpu-1"], "hostnames": ["gpu-1"]},
                "gres": {"total": "gpu:a100:4(S:0-1)", "used": "gpu:a100:1"},
                "cpus": {"allocated": 1, "total": 128, "maximum": 128, "minimum": 128},
                "memory": {"minimum": 512000, "maximum": 512000},
                "features": {"total": "a100,sxm4", "active": "a100,sxm4"},
                "sockets": {"minimum": 2, "maximum": 2},
                "cores": {"minimum": 32, "maximum": 32},
                "threads": {"minimum": 2, "maximum": 2},
            },
            2.0,
        ),
    ],
    ids=["old node", "node with lists", "group"],
)
def test_json(entry, threads):
    key = "sinfo" if "nodes" in entry else "nodes"
    first = profile(json.dumps({"meta": {}, key: [entry]}), "gpu-1")
    assert (first.gpu_types, first.n_gpus) == (("a100",), 4)
    assert first.features == ("a100", "sxm4")
    assert first.memory_bytes == 512000 * MIB
    assert first.n_cpus_per_core == threads


def test_group_with_several_totals_takes_the_cpus_of_one_node():
    entry = {"nodes": {"nodes": ["a", "b"]}, "cpus": {"total": 256, "maximum": 128, "minimum": 128}}
    nodes = read_node_listing(json.dumps({"sinfo": [entry]})).nodes("")
    assert {name: one.n_cores for name, one in nodes.items()} == {"a": 128, "b": 128}


@pytest.mark.parametrize(
    ("gres", "types", "n_gpus"),
    [
        ("gpu:4", (), 4),
        ("gpu", (), 1),
        ("gpu:a100", ("a100",), 1),
        ("gpu:a100:2(S:0),gpu:v100:1(S:1)", ("a100", "v100"), 3),
        ("gpu:a100_1g.10gb:7", ("a100_1g.10gb",), 7),
        ("shard:8,lscratch:100", (), 0),
        ("gpumem:80", (), 0),
    ],
)
def test_gres(gres, types, n_gpus):
    one = profile(f"NODELIST GRES\nn1 {gres}\n", "n1")
    assert (one.gpu_types, one.n_gpus) == (types, n_gpus)


def test_a_table_without_gres_does_not_say_that_there_are_no_gpus():
    one = profile("NODELIST AVAIL_FEATURES\nn1 a100,sxm4\n", "n1")
    assert (one.n_gpus, one.gpu_types, one.n_cores) == (None, (), None)


HEADLESS = "n1|batch|idle|gpu:8(S:0)|0/64/0/64|\nn2|batch|idle|gpu:8(S:0)|0/64/0/64|\n"


def test_table_without_header_needs_columns():
    with pytest.raises(ExportRefusedError, match="no header line") as refused:
        read_node_listing(HEADLESS)
    assert "sinfo -N" in refused.value.hint
    columns = ("NODELIST", "PARTITION", "STATE", "GRES", "CPUS(A/I/O/T)")
    first = profile(HEADLESS, "n1", columns=columns)
    assert (first.n_gpus, first.n_cores) == (8, 64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header line"),
        ("NODELIST GRES\n", "names no node"),
        ("NODELIST GRES\nn1 gpu:4 64\n", "line 2 .* has 3 cells, not 2"),
        ("PARTITION GRES\nbatch gpu:4\n", "no header line"),
        ("{not json", "no JSON"),
        ('{"jobs": []}', "neither nodes nor sinfo"),
        ('{"nodes": []}', "names no node"),
    ],
)
def test_refusals(text, message):
    with pytest.raises(ExportRefusedError, match=message) as refused:
        read_node_listing(text)
    assert refused.value.hint


def test_listings_belong_to_clusters():
    alpha = read_node_listing("NODELIST GRES\nn1 gpu:a100:4\n", cluster="alpha")
    both = alpha.merged(read_node_listing("NODELIST GRES\nn1 gpu:v100:2\n"))
    assert both.nodes("alpha")["n1"].gpu_types == ("a100",)
    assert both.nodes("beta")["n1"].gpu_types == ("v100",)
    newer = both.merged(read_node_listing("NODELIST GRES\nn1 gpu:h100:8\n", cluster="alpha"))
    assert newer.nodes("alpha")["n1"].gpu_types == ("h100",)
    assert NodeInventory().nodes("alpha") == {}
