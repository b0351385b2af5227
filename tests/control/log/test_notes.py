from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from skyhaul.control.log import KeyKind, Note, Signature, Signer, SigningKey, VerifierKey, read_key, write_key
from skyhaul.errors import ProofError, RecordError, TamperError

# golang.org/x/mod/sumdb/note, note_test.go.
PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)


def note(text: str, *lines: str) -> bytes:
    return (text + "\n" + "".join(lines)).encode()


def test_the_example_of_the_specification() -> None:
    # C2SP signed-note, "Verifier keys", "Example".
    key = VerifierKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    line = "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"  # noqa: E501
    parsed = Note.parse(note("This is an example message.\n", line))
    assert parsed.verify([key]) == ((key, parsed.signatures[0]),)
    assert key.kind is KeyKind.LOG


def test_peter_neumanns_signature_is_made_and_verified() -> None:
    signed = Note.sign(TEXT, SigningKey.parse(PETER_PRIVATE))
    assert signed.encode() == note(TEXT, PETER_LINE)
    assert str(SigningKey.parse(PETER_PRIVATE).verifier) == PETER
    assert SigningKey.parse(PETER_PRIVATE).text() == PETER_PRIVATE


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    peter, enoch = VerifierKey.parse(PETER), VerifierKey.parse(ENOCH)
    both = Note.parse(note(TEXT, PETER_LINE, ENOCH_LINE))
    assert [key for key, _ in both.verify([peter])] == [peter]
    assert [key for key, _ in both.verify([enoch, peter])] == [peter, enoch]
    assert both.verify([]) == ()


def test_a_known_key_whose_signature_does_not_verify_spoils_the_note() -> None:
    wrong = Note.parse(note(TEXT.replace("answer", "Answer"), PETER_LINE, ENOCH_LINE))
    with pytest.raises(ProofError, match="EnochRoot"):
        wrong.verify([VerifierKey.parse(ENOCH)])


def test_the_text_ends_at_the_last_empty_line() -> None:
    # C2SP signed-note opens with a note whose text has an empty line of its own.
    signed = Note.sign("one\n\ntwo\n", SigningKey.parse(PETER_PRIVATE))
    assert Note.parse(signed.encode()) == signed
    assert signed.text == "one\n\ntwo\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        note(TEXT),
        note(TEXT, PETER_LINE[:-1]),
        b"\x01" + note(TEXT, PETER_LINE),
        b"\xff" + note(TEXT, PETER_LINE),
        note(TEXT, "— Bad Name x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6K\n"),
        note(TEXT, PETER_LINE, "Unexpected line.\n"),
        note(TEXT, PETER_LINE.replace("—", "-")),
        note(TEXT, PETER_LINE.replace("JnAM=", "JnAN=")),  # the same bytes, spelt otherwise
        note(TEXT, PETER_LINE.replace("x08go", "x08g o")),
        note(TEXT, "— a+b x08go/ZJkuA=\n"),
        note(TEXT, "— PeterNeumann x08goA==\n"),
        note(TEXT, PETER_LINE * 101),
        note(TEXT, "— PeterNeumann " + "A" * 1_000_000 + "\n"),
        b"",
    ],
)
def test_malformed_notes_are_refused(data: bytes) -> None:
    with pytest.raises(ProofError):
        Note.parse(data).verify([VerifierKey.parse(PETER)])


def test_no_part_of_a_key_may_be_missing_or_changed() -> None:
    # As in golang.org/x/mod/sumdb/note, TestNewVerifier and TestNewSigner: every substring, every byte plus one.
    for text, parse in ((PETER, VerifierKey.parse), (PETER_PRIVATE, SigningKey.parse)):
        for start in range(len(text)):
            for end in range(start, len(text) + 1):
                if (start, end) != (0, len(text)):
                    with pytest.raises(RecordError):
                        parse(text[start:end])
        for at, sign in enumerate(text):
            with pytest.raises(RecordError):
                parse(text[:at] + chr(ord(sign) + 1) + text[at + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        # golang.org/x/mod/sumdb/note: wrong length, unknown algorithm, each with the id that fits
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "",
        "a",
        "a+b+c",
    ],
)
def test_other_keys_are_refused(text: str) -> None:
    with pytest.raises(RecordError):
        VerifierKey.parse(text)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\n", "tab\t", "\N{NO-BREAK SPACE}", "\x00"])
def test_names_that_a_note_cannot_carry_are_refused(name: str) -> None:
    with pytest.raises(RecordError, match="cannot name a key"):
        SigningKey.generate(name)


def test_a_witness_key_of_the_public_network() -> None:
    # transparency-dev/formats, note/note_cosigv1_test.go.
    text = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
    key = VerifierKey.parse(text)
    assert key.kind is KeyKind.WITNESS
    assert str(key) == text


def test_a_new_key_signs_what_its_public_half_verifies() -> None:
    for kind, time_s in ((KeyKind.LOG, None), (KeyKind.WITNESS, 1679315147)):
        key = SigningKey.generate("example.org/new", kind)
        signed = Note.sign("text\n", key, time_s)
        assert Note.parse(signed.encode()).verify([VerifierKey.parse(str(key.verifier))])
        assert SigningKey.parse(key.text()) == key
        assert base64.b64encode(key.seed)[:20].decode() not in repr(key)
    with pytest.raises(RecordError, match="without a time"):
        Note.sign("text\n", SigningKey.generate("a"), 1)
    with pytest.raises(RecordError, match="cannot sign at time"):
        Note.sign("text\n", SigningKey.generate("a", KeyKind.WITNESS))


def test_the_same_key_under_another_name_is_another_key() -> None:
    seed = SigningKey.parse(PETER_PRIVATE).seed
    other = SigningKey("PeterNeumann2", KeyKind.LOG, seed)
    assert other.verifier.key_id != SigningKey.parse(PETER_PRIVATE).verifier.key_id
    assert Note.sign(TEXT, other).verify([VerifierKey.parse(PETER)]) == ()


@pytest.mark.parametrize("text", ["", "no newline", "bell\x07\n"])
def test_texts_that_a_note_cannot_carry_are_not_signed(text: str) -> None:
    with pytest.raises(RecordError, match="cannot carry"):
        Note.sign(text, SigningKey.parse(PETER_PRIVATE))


def test_a_signature_line_reads_back() -> None:
    line = PETER_LINE.removesuffix("\n")
    assert str(Signature.parse(line)) == line


def test_a_key_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = SigningKey.generate("example.org/log")
    write_key(path, key)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path) == key
    with pytest.raises(RecordError, match="never overwritten"):
        write_key(path, key)
    path.chmod(0o640)
    with pytest.raises(RecordError, match="chmod 600"):
        read_key(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"hello\n", PETER.encode(), PETER_PRIVATE.encode() + b"x"])
def test_a_file_that_is_no_key_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(RecordError, match=re.escape(str(path))):
        read_key(path)


def test_key_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="No such file"):
        read_key(tmp_path / "none")
    with pytest.raises(RecordError, match="No such file"):
        write_key(tmp_path / "none" / "key", SigningKey.generate("a"))
    with pytest.raises(RecordError, match="Is a directory"):
        read_key(tmp_path)


def test_a_signer_signs_nothing_that_contradicts_what_it_signed(key_file: Path) -> None:
    signer = Signer(key_file)
    empty = signer.sign(0, bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), ())
    assert Signer(key_file).last == signer.last
    assert signer.memory.read_bytes() == empty
    signer.sign(1, b"\x01" * 32, ())
    for size, root in ((0, b"\x01" * 32), (1, b"\x02" * 32), (2, b"\x01" * 32)):
        with pytest.raises(ProofError):
            signer.sign(size, root, ())
    assert Signer(key_file).last == signer.last


def test_a_changed_memory_is_refused(key_file: Path) -> None:
    signer = Signer(key_file)
    signer.sign(1, b"\x01" * 32, ())
    note_ = bytearray(signer.memory.read_bytes())
    note_[20] ^= 1
    signer.memory.write_bytes(note_)
    with pytest.raises(TamperError, match=re.escape(str(signer.memory))):
        Signer(key_file)
