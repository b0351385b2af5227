from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyhaul.control.log import (
    EMPTY_ROOT,
    CompactRange,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_at,
    root_of,
)
from skyhaul.control.log._merkle import Node
from skyhaul.errors import ProofError, RecordError

from . import recursive

# The eight leaves of the Certificate Transparency reference test vectors, with the roots of the trees of their first
# 0 to 8: transparency-dev/merkle, testonly/constants.go (from google/certificate-transparency, merkle_tree_test).
CT_LEAVES = [bytes.fromhex(leaf) for leaf in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
CT_ROOTS = [bytes.fromhex(root) for root in (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)]  # fmt: skip
# Nodes (level, index) of that tree, same source, by which its published proofs are given.
CT_NODES = {key: bytes.fromhex(value) for key, value in {
    (0, 0): "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    (0, 1): "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    (0, 2): "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
    (0, 4): "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    (0, 6): "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
    (1, 0): "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    (1, 1): "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    (1, 2): "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    (1, 3): "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    (2, 0): "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    (2, 1): "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
}.items()}  # fmt: skip


def nodes_of(leaves: Sequence[bytes]) -> Node:
    """Perfect nodes of a tree over these leaf hashes."""

    @cache
    def node(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    return node


def entries_of(count: int) -> list[bytes]:
    return [b"entry %d" % index for index in range(count)]


def test_hashes_are_those_of_the_rfc() -> None:
    # transparency-dev/merkle, rfc6962/rfc6962_test.go; each checked there with sha256sum.
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert node_hash(b"N123", b"N456").hex() == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"


@pytest.mark.parametrize("size", range(9))
def test_roots_of_the_reference_leaves(size: int) -> None:
    leaves = [leaf_hash(entry) for entry in CT_LEAVES[:size]]
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    assert root_of(leaves) == tree.root() == root_at(size, nodes_of(leaves)) == CT_ROOTS[size]
    assert len(tree.nodes) == size.bit_count()


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (0, 8, [(0, 1), (1, 1), (2, 1)]),
        (5, 8, [(0, 4), (1, 3), (2, 0)]),
        (2, 3, [(1, 0)]),
        (1, 5, [(0, 0), (1, 1), (0, 4)]),
    ],
)
def test_published_inclusion_proofs(index: int, size: int, path: list[tuple[int, int]]) -> None:
    node = nodes_of([leaf_hash(entry) for entry in CT_LEAVES])
    expected = tuple(CT_NODES[place] for place in path)
    assert inclusion_proof(index, size, node) == expected
    check_inclusion(index, size, leaf_hash(CT_LEAVES[index]), expected, CT_ROOTS[size])


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (1, 1, []),
        (1, 8, [(0, 1), (1, 1), (2, 1)]),
        (6, 8, [(1, 2), (1, 3), (2, 0)]),
        (2, 5, [(1, 1), (0, 4)]),
        (6, 7, [(1, 2), (0, 6), (2, 0)]),  # transparency-dev/merkle, testdata/consistency/4/happy-path.json
    ],
)
def test_published_consistency_proofs(old: int, new: int, path: list[tuple[int, int]]) -> None:
    node = nodes_of([leaf_hash(entry) for entry in CT_LEAVES])
    expected = tuple(CT_NODES[place] for place in path)
    assert consistency_proof(old, new, node) == expected
    check_consistency(old, new, CT_ROOTS[old], CT_ROOTS[new], expected)


def test_the_example_of_rfc_9162_section_2_1_5() -> None:
    a, b, c, d, e, f, j = (leaf_hash(b"d%d" % index) for index in range(7))
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, l = node_hash(g, h), node_hash(i, j)  # noqa: E741
    node = nodes_of([a, b, c, d, e, f, j])
    assert inclusion_proof(0, 7, node) == (b, h, l)
    assert inclusion_proof(3, 7, node) == (c, g, l)
    assert inclusion_proof(4, 7, node) == (f, j, k)
    assert inclusion_proof(6, 7, node) == (i, k)
    assert consistency_proof(3, 7, node) == (c, d, g, l)
    assert consistency_proof(4, 7, node) == (l,)
    assert consistency_proof(6, 7, node) == (i, j, k)


def test_roots_and_proofs_of_every_subtree_up_to_130_leaves() -> None:
    # draft-ietf-plants-merkle-tree-certs, appendix "Subtree Test Vectors": all lines folded into one SHA-256.
    # A subtree [start, end) is a tree of its own, so its inclusion proofs are those of RFC 9162.
    node = nodes_of([leaf_hash(bytes([index])) for index in range(130)])
    roots, proofs = sha256(), sha256()
    for end in range(131):
        for start in range(end + 1):
            count = end - start
            if start and count and start % (1 << (count - 1).bit_length()):
                continue

            def shifted(level: int, index: int, start: int = start) -> bytes:
                return node(level, index + (start >> level))

            roots.update(b"[%d, %d) %s\n" % (start, end, root_at(count, shifted).hex().encode()))
            for index in range(count):
                path = inclusion_proof(index, count, shifted)
                hexes = "".join(f" {hash_.hex()}" for hash_ in path)
                proofs.update(f"{start + index} [{start}, {end}){hexes}\n".encode())
    assert roots.hexdigest() == "b82806ad4265bb151c1119c0f4db437bb4d1a1f887b3a7fba1cd4ebf552e3e81"
    assert proofs.hexdigest() == "ac2a8f989e44d99e399db448050ff5f19757df53cfb716aa81015d3955d8163f"


def test_every_proof_up_to_33_leaves_is_the_recursive_definition() -> None:
    entries = entries_of(33)
    node = nodes_of([leaf_hash(entry) for entry in entries])
    roots = [recursive.mth(entries[:size]) for size in range(34)]
    for size in range(34):
        assert root_at(size, node) == roots[size]
        for index in range(size):
            path = inclusion_proof(index, size, node)
            assert list(path) == recursive.path(index, entries[:size])
            assert recursive.included_root(index, size, entries[index], list(path)) == roots[size]
            check_inclusion(index, size, leaf_hash(entries[index]), path, roots[size])
        for old in range(size + 1):
            path = consistency_proof(old, size, node)
            assert list(path) == (recursive.subproof(old, entries[:size]) if old else [])
            check_consistency(old, size, roots[old], roots[size], path)


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[bytes], int]:
    size = draw(st.integers(1, 300))
    return entries_of(size), draw(st.integers(0, size - 1))


@given(trees(), st.data())
def test_no_bit_of_an_inclusion_proof_can_flip(tree: tuple[list[bytes], int], data: st.DataObject) -> None:
    entries, index = tree
    leaves = [leaf_hash(entry) for entry in entries]
    path = inclusion_proof(index, len(leaves), nodes_of(leaves))
    parts = [leaves[index], *path, root_of(leaves)]
    check_inclusion(index, len(leaves), parts[0], parts[1:-1], parts[-1])
    which, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    parts[which] = flipped(parts[which], bit)
    with pytest.raises(ProofError):
        check_inclusion(index, len(leaves), parts[0], parts[1:-1], parts[-1])


@given(trees(), st.data())
def test_an_inclusion_proof_holds_for_its_own_place_only(tree: tuple[list[bytes], int], data: st.DataObject) -> None:
    entries, index = tree
    leaves = [leaf_hash(entry) for entry in entries]
    size, root = len(leaves), root_of(leaves)
    path = inclusion_proof(index, size, nodes_of(leaves))
    other = data.draw(st.integers(-1, size + 1).filter(lambda place: place != index))
    longer = [*path, data.draw(st.sampled_from([root, leaves[index], *path]))]
    for place, proof in ((other, path), (index, longer), (index, path[:-1] if path else [root])):
        with pytest.raises(ProofError):
            check_inclusion(place, size, leaves[index], proof, root)
    if path:
        with pytest.raises(ProofError):
            check_inclusion(index, size, leaves[index], path[1:], root)


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_no_bit_of_a_consistency_proof_can_flip(first: int, second: int, data: st.DataObject) -> None:
    old, new = sorted((first, second))
    leaves = [leaf_hash(entry) for entry in entries_of(new)]
    parts = [root_of(leaves[:old]), root_of(leaves), *consistency_proof(old, new, nodes_of(leaves))]
    check_consistency(old, new, parts[0], parts[1], parts[2:])
    for wrong in ([*parts, parts[0]], parts[:-1] if len(parts) > 2 else [*parts, parts[1]]):
        with pytest.raises(ProofError):
            check_consistency(old, new, wrong[0], wrong[1], wrong[2:])
    which, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    parts[which] = flipped(parts[which], bit)
    with pytest.raises(ProofError):
        check_consistency(old, new, parts[0], parts[1], parts[2:])


@given(st.integers(1, 200), st.integers(1, 200), st.data())
def test_a_rewritten_past_has_no_consistency_proof(first: int, second: int, data: st.DataObject) -> None:
    old, new = sorted((first, second))
    entries = entries_of(new)
    before = root_of([leaf_hash(entry) for entry in entries[:old]])
    changed = data.draw(st.integers(0, old - 1))
    entries[changed] += b"!"
    leaves = [leaf_hash(entry) for entry in entries]
    with pytest.raises(ProofError):
        check_consistency(old, new, before, root_of(leaves), consistency_proof(old, new, nodes_of(leaves)))


def test_a_compact_range_goes_on_from_its_nodes() -> None:
    leaves = [leaf_hash(entry) for entry in entries_of(100)]
    tree = CompactRange.of(77, nodes_of(leaves))
    copy = tree.copy()
    for leaf in leaves[77:]:
        copy.append(leaf)
    assert copy.root() == root_of(leaves)
    assert tree.root() == root_of(leaves[:77])


def test_what_cannot_be_asked_is_refused() -> None:
    node = nodes_of([leaf_hash(b"x")])
    for index, size in ((1, 1), (-1, 1), (0, 0)):
        with pytest.raises(RecordError, match="no leaf"):
            inclusion_proof(index, size, node)
        with pytest.raises(ProofError, match="no leaf"):
            check_inclusion(index, size, EMPTY_ROOT, (), EMPTY_ROOT)
    with pytest.raises(RecordError, match="does not continue"):
        consistency_proof(2, 1, node)
    with pytest.raises(ProofError, match="does not continue"):
        check_consistency(2, 1, EMPTY_ROOT, EMPTY_ROOT, ())
    with pytest.raises(ProofError, match="hash of nothing"):
        check_consistency(0, 1, leaf_hash(b""), leaf_hash(b"x"), ())
    with pytest.raises(ProofError, match="31 bytes"):
        check_inclusion(0, 1, EMPTY_ROOT[:31], (), EMPTY_ROOT)
    with pytest.raises(RecordError, match="do not make a tree"):
        CompactRange(3, [EMPTY_ROOT])


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
