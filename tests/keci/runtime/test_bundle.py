import os
import shutil
from pathlib import Path

import orjson
import pytest

from keci.errors import BundleError
from keci.runtime.bundle import (
    MANIFEST_FILE,
    Manifest,
    describe_file,
    read_bundle,
    read_manifest,
)


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def edit_manifest(bundle: Path, **changes: object) -> None:
    record = orjson.loads((bundle / MANIFEST_FILE).read_bytes())
    (bundle / MANIFEST_FILE).write_bytes(orjson.dumps(record | changes))


def test_whole_bundle_opens_and_round_trips(bundle: Path) -> None:
    manifest = read_bundle(bundle)
    assert Manifest.from_record(orjson.loads(orjson.dumps(manifest.to_record()))) == manifest
    assert set(manifest.precisions) == {"fp32", "int8"}
    assert manifest.stages["encoder"]["inputs"]["token_slots"]["dims"] == ["tokens"]


@pytest.mark.parametrize("name", ["graph.safetensors", "fp32/encoder.onnx", "tokenizer.json"])
def test_a_changed_byte_is_refused(bundle: Path, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(BundleError, match="was changed"):
        read_bundle(bundle)


def test_missing_and_unknown_files_are_refused(bundle: Path) -> None:
    (bundle / "tokenizer.json").rename(bundle / "extra.json")
    with pytest.raises(BundleError, match=r"missing files \['tokenizer.json'\].*extra.json"):
        read_bundle(bundle)


def test_links_are_refused(bundle: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.json"
    shutil.move(bundle / "tokenizer.json", target)
    (bundle / "tokenizer.json").symlink_to(target)
    with pytest.raises(BundleError, match="no links"):
        read_bundle(bundle)


@pytest.mark.parametrize("name", ["../tokenizer.json", "/etc/hosts", "fp32\\encoder.onnx"])
def test_paths_out_of_the_bundle_are_refused(bundle: Path, name: str) -> None:
    edit_manifest(bundle, files={name: {"size": 1, "sha256": "0" * 64}})
    with pytest.raises(BundleError, match="outside the bundle"):
        read_bundle(bundle)


def relist(bundle: Path, *names: str) -> None:
    """Let the manifest vouch for the files as they are now."""
    record = orjson.loads((bundle / MANIFEST_FILE).read_bytes())
    for name in names:
        facts = describe_file(bundle / name)
        record["files"][name] = {"size": facts.size, "sha256": facts.sha256}
    (bundle / MANIFEST_FILE).write_bytes(orjson.dumps(record))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_refused(bundle: Path) -> None:
    os.mkfifo(bundle / "pipe")
    with pytest.raises(BundleError, match="files alone"):
        read_bundle(bundle)


@pytest.mark.parametrize("size", [2**63, 2**25, 10_000_000])
def test_a_header_of_weights_is_limited(bundle: Path, size: int) -> None:
    path = bundle / "graph.safetensors"
    path.write_bytes(size.to_bytes(8, "little") + path.read_bytes()[8:])
    relist(bundle, "graph.safetensors")
    with pytest.raises(BundleError, match=f"has a header of {size} bytes, at most"):
        read_bundle(bundle)


@pytest.mark.parametrize(
    ("location", "is_listed"),
    [("weights.bin", True), ("absent.bin", False), ("../tokenizer.json", False),
     ("/etc/hosts", False), ("", False)],
)  # fmt: skip
def test_external_data_must_be_listed(bundle: Path, location: str, is_listed: bool) -> None:
    onnx = pytest.importorskip("onnx")
    path = bundle / "fp32" / "span_scorer.onnx"
    graph = onnx.load(path)
    tensor = graph.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    if location:
        tensor.external_data.add(key="location", value=location)
    path.write_bytes(graph.SerializeToString())
    (bundle / "fp32" / "weights.bin").write_bytes(tensor.raw_data)
    relist(bundle, "fp32/span_scorer.onnx", "fp32/weights.bin")
    if is_listed:
        read_bundle(bundle)
    else:
        with pytest.raises(BundleError, match="which the manifest does not list"):
            read_bundle(bundle)


def test_foreign_manifests_are_refused(bundle: Path) -> None:
    edit_manifest(bundle, format=99)
    with pytest.raises(BundleError, match="format 99, expected 1"):
        read_manifest(bundle)
    (bundle / MANIFEST_FILE).write_text("no json")
    with pytest.raises(BundleError, match="not json"):
        read_manifest(bundle)
    (bundle / MANIFEST_FILE).write_text("{}")
    with pytest.raises(BundleError, match="format None"):
        read_manifest(bundle)


def test_a_folder_without_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no model bundle"):
        read_bundle(tmp_path)
