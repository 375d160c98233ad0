"""Files that are no graph: each is refused in one sentence, and nothing is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.workflows.graphs import kept, run
from workflows import incoming
from workflows.errors import StudioError
from workflows.graph import GraphError

NODE = {"class_type": "A", "inputs": {}}
DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "it holds no nodes"),
        ({}, "it holds no nodes"),
        ("text", "it holds no nodes"),
        ({"1": "text"}, "what is under '1' is no node"),
        ({"1": {"inputs": {}}}, "node '1' has no class_type"),
        ({"1": {"class_type": 3, "inputs": {}}}, "node '1' has no class_type"),
        ({"1": {"class_type": "A"}}, "node '1' (A) has no inputs"),
        ({"1": {"class_type": "A", "inputs": None}}, "node '1' (A) has no inputs"),
        ({"1": {"class_type": "A", "inputs": {"x": ["2", 0]}}}, "x of 'A' is linked to node 2, which is not there"),
        ({"1": NODE, "2": {"class_type": "B", "inputs": {"x": ["1", -1]}}}, "x of 'B' is linked to output -1"),
        ({"1": NODE, "2": {"class_type": "B", "inputs": {"x": ["1", 0.0]}}}, "x of node '2' is linked to output 0.0"),
        ({"1": {"class_type": "A", "inputs": {"x": ["1", 0]}}}, "it runs in a circle through or before 'A'"),
        (
            {
                "1": {"class_type": "A", "inputs": {"x": ["2", 0]}},
                "2": {"class_type": "B", "inputs": {"x": ["1", 0]}},
            },
            "it runs in a circle through or before 'A', 'B'",
        ),
        ({"1": {"class_type": "A", "inputs": {"x": json.loads("[" * 40 + "]" * 40)}}}, "nested too deep"),
        ({str(number): NODE for number in range(incoming.MAX_NODES + 1)}, "it has 5001 nodes; 5000 are the most"),
        ({"prompt": {"1": {"class_type": "A"}}}, "node '1' (A) has no inputs"),
    ],
)
def test_what_is_no_graph_says_why(value, reason) -> None:
    with pytest.raises(GraphError) as caught:
        incoming.graph_from(value)
    assert reason in str(caught.value)


def test_only_class_inputs_and_title_of_a_node_are_kept() -> None:
    node = {"class_type": "A", "inputs": {"x": 1}, "_meta": {"title": "Mine", "colour": "red"}, "is_changed": ["x"]}
    assert incoming.graph_from({"prompt": {"1": node}, "client_id": "x"}) == {
        "1": {"class_type": "A", "inputs": {"x": 1}, "_meta": {"title": "Mine"}}
    }
    assert incoming.graph_from({"1": {**NODE, "_meta": None}}) == {"1": NODE}
    # A node may be called so, too.
    assert incoming.graph_from({"prompt": NODE}) == {"prompt": NODE}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"{", "graph_not_json"),
        (b"\xff\xfe\x00", "graph_not_json"),
        (b'{"1": NaN}', "graph_not_json"),
        (DEEP.encode(), "graph_not_json"),
        (b" \n", "file_empty"),
        (b" " * (incoming.MAX_BYTES + 1), "file_too_large"),
    ],
    ids=["cut", "bytes", "nan", "deep", "empty", "huge"],
)
def test_a_file_that_can_not_be_read_is_refused(tmp_path: Path, text, code) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(text)
    with pytest.raises(StudioError) as caught:
        incoming.load(path)
    assert caught.value.code == code


def test_a_folder_and_a_missing_file_are_no_graphs(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.json", Path("/dev/zero")):
        with pytest.raises(StudioError) as caught:
            incoming.load(path)
        assert caught.value.code == "file_missing"


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"1": NODE}).encode())
    assert incoming.load(path) == {"1": NODE}


@pytest.mark.parametrize("text", ["{", '{"1": {"class_type": "A"}}', '{"nodes": [], "links": "x"}'])
def test_the_command_refuses_it_in_one_sentence(tmp_path: Path, text) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    ended = run("import", path, "--mode", "t2v", "--data", tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert str(path) in ended.stderr
    assert kept(tmp_path, "t2v") is None
