"""Writes the seeds of the fuzz targets to corpus/: small files of each kind, by hand.

Only the Python standard library is needed. Cases that a fuzzer has found are committed beside the
seeds; the name of a case says what is wrong in it.
"""

import gzip
import io
import json
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"


def seed(target, name, data):
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def npy(descr, fortran, shape, data, version=1):
    header = repr({"descr": descr, "fortran_order": fortran, "shape": shape})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + data


def safetensors(tensors, metadata=None):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def arrays():
    rows = struct.pack("<6f", 1, 2, 3, 4, 5, 6)
    seed("npy", "f4", npy("<f4", False, (2, 3), rows))
    seed("npy", "f4-by-column", npy("<f4", True, (2, 3), rows))
    seed("npy", "f8-version-2", npy("<f8", False, (1, 2), struct.pack("<2d", 1, 2), 2))
    for descr, data in [
        ("<f2", b"\x00\x3c\x00\x40"),
        (">i4", b"\0\0\0\1\0\0\0\2"),
        ("|u1", b"\1\2"),
        ("|b1", b"\1\0"),
        ("<i8", struct.pack("<2q", 1, -2)),
    ]:
        seed("npy", descr.strip("<>|"), npy(descr, False, (1, 2), data))
    for name, method in [("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)]:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", method) as file:
            file.writestr("x.npy", npy("<f4", False, (2, 3), rows))
        seed("npz", name, archive.getvalue())
    matrix = {"embeddings": ("F32", [2, 3], rows), "bias": ("F32", [3], rows[:12])}
    seed("safetensors_vectors", "matrix", safetensors(matrix))


def lines():
    seed("jsonl", "objects", '{"text":"a","embedding":[1,2.5]}\n{"embedding":[-1e-3,0]}\n')
    seed("jsonl", "lists", "\ufeff[1,2]\r\n\r\n[3,4]\n")
    seed("jsonl", "python", '{"text":"\\ud83d","embedding":[1],"x":NaN}\n{"embedding":[Infinity]}')
    seed("csv", "table", "text,e0,e1\na,1,2\n\"b, \"\"c\"\"\n\",-0.5,1e3\n")
    seed("csv", "numbers", "\ufeffe0,e1\r\n1,2\r\n")
    texts = {
        0: ["one\ntwo\r\n\nthree", "\ufeffone\n", "caf\u00e9 \u6771\u4eac"],
        1: ['{"text":"a","a":{"b":7}}\n{"text":null}\n', '{"text":"\\ud83d","a.b":1e5}\n'],
        2: ['[{"text":"a"},\n {"text":"b, ]\\"","a":{"b":[]}}]\n', '{"text":1}\n{"text":true}'],
        3: ['text,a.b\n"x\ny",1\n,2\n', "text;a.b\na;b\n", "sep=|\ntext|id\na|1\n"],
        4: ["text\ta.b\na\t\"b\n", "id\ttext\n1\t2\n"],
    }
    for kind, seeds in texts.items():
        for i, text in enumerate(seeds):
            seed("records", f"{kind}-{i}", bytes([kind]) + text.encode())
            skipped = bytes([kind | 16]) + text.encode()
            seed("records", f"{kind}-{i}-skip", skipped)
    seed("records", "gzip", b"\0" + gzip.compress(b"one\ntwo\n", mtime=0))
    seed("records", "zstd", b"\0" + bytes.fromhex("28b52ffd0408210000") + b"one\n" + b"\0\0\0\0")
    seed("records", "utf-16", b"\0" + "one\n\u6771".encode("utf-16"))
    seed("records", "shift-jis", b"\x20" + "\u6771\u4eac\n".encode("shift_jis"))
    data = HERE / "../../crates/cli/tests/data"
    for codec in ["gzip", "snappy", "zstd", "polars"]:
        (CORPUS / "parquet").mkdir(parents=True, exist_ok=True)
        shutil.copy(data / f"{codec}.parquet", CORPUS / "parquet" / codec)


def index():
    """An index of two texts, with the checksums of its parts."""
    vectors = struct.pack("<4f", 1, 0, 0, 1)
    texts = "east\u00e9north".encode()
    offsets = struct.pack("<3Q", 0, 6, 11)
    parts = [("vectors", "F32", [2, 2], vectors), ("offsets", "U64", [3], offsets)]
    parts += [("checksums", "U32", [5], bytes(20)), ("texts", "U8", [len(texts)], texts)]
    space = {"name": "m", "fingerprint": "f"}
    header, at = {"__metadata__": {"format": "minilm-index-2", **space}}, 0
    for name, dtype, shape, content in parts:
        end = at + len(content)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    room = 640 + len(json.dumps(header["__metadata__"], separators=(",", ":")))
    text += b" " * ((room + 63) // 64 * 64 - 8 - len(text))
    start = struct.pack("<Q", len(text)) + text
    sums = [zlib.crc32(part) for part in (start, vectors, offsets, texts)]
    sums = struct.pack("<4I", *sums)
    sums += struct.pack("<I", zlib.crc32(sums))
    whole = start + vectors + offsets + sums + texts
    seed("index", "two-rows", b"\0" + whole)
    seed("index", "two-rows-mended", b"\1" + whole)
    seed("safetensors_vectors", "index", whole)


VOCABULARY = "[PAD] [UNK] [CLS] [SEP] [MASK] the cat sat on mat a dog ran ##s ##ing .".split()


def tokenizer(model, **parts):
    none = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": None,
    }
    return json.dumps({**none, **parts, "model": model})


def models():
    vocabulary = {word: i for i, word in enumerate(VOCABULARY)}
    pieces = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": vocabulary,
    }
    special = {"special": True, "lstrip": False, "rstrip": False, "single_word": False}
    added = [
        {"id": i, "content": VOCABULARY[i], "normalized": False, **special} for i in range(5)
    ]
    bert = {
        "added_tokens": added,
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
    }
    seed("tokenizer_json", "bert", tokenizer(pieces, **bert))
    truncation = {
        "direction": "Right",
        "max_length": 8,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    seed("tokenizer_json", "truncation", tokenizer(pieces, **bert, truncation=truncation))
    template = {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            name: {"id": name, "ids": [i], "tokens": [name]}
            for name, i in [("[CLS]", 2), ("[SEP]", 3)]
        },
    }
    seed(
        "tokenizer_json",
        "template",
        tokenizer(
            pieces,
            added_tokens=added,
            normalizer={"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}]},
            pre_tokenizer={"type": "Whitespace"},
            post_processor=template,
        ),
    )
    letters = {letter: i for i, letter in enumerate("athecdogsnm.\u0120")}
    bpe = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "vocab": {**letters, "th": 13, "the": 14},
        "merges": [["t", "h"], ["th", "e"]],
    }
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    seed("tokenizer_json", "bpe", tokenizer(bpe, pre_tokenizer=level))
    unigram = {
        "type": "Unigram",
        "unk_id": 0,
        "byte_fallback": False,
        "vocab": [["<unk>", 0.0], ["\u2581", -2.0], ["the", -3.0], ["\u2581cat", -4.0], ["a", -5.0]],
    }
    space = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
    replace = {"type": "Replace", "pattern": {"Regex": "[0-9]+"}, "content": "0"}
    seed("tokenizer_json", "unigram", tokenizer(unigram, pre_tokenizer=space, normalizer=replace))
    words = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"}
    split = {"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated", "invert": False}
    seed("tokenizer_json", "words", tokenizer(words, pre_tokenizer=split))
    seed("vocab", "words", "\n".join(VOCABULARY) + "\n")
    seed("vocab", "crlf", "\r\n".join(VOCABULARY))
    seed("vocab", "twice", "[UNK]\n[CLS]\n[SEP]\nthe\nthe\n\n\u00e9\n")


def directories():
    """A file of JSON by its number, as `config_json` of `src/model.rs` has them."""
    config = {
        "model_type": "bert",
        "vocab_size": 16,
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 24,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
    }
    kinds = ["Transformer", "Pooling", "Normalize"]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(zip(kinds, ["", "1_Pooling", "2_Normalize"]))
    ]
    prompts = {"prompts": {"query": "the ", "document": ""}, "default_prompt_name": "query"}
    prompts |= {"similarity_fn_name": "cosine", "truncate_dim": 4}
    tokens = {"do_lower_case": True, "model_max_length": 12, "tokenizer_class": "BertTokenizer"}
    tokens |= {"cls_token": "[CLS]", "strip_accents": None, "added_tokens_decoder": {}}
    special = {"cls_token": "[CLS]", "unk_token": {"content": "[UNK]", "lstrip": False}}
    weights = {"metadata": {}, "weight_map": {"embeddings.LayerNorm.bias": "model.safetensors"}}
    files = [
        config,
        modules,
        {"word_embedding_dimension": 8, "pooling_mode_cls_token": True, "include_prompt": False},
        {"max_seq_length": 20, "do_lower_case": True},
        prompts,
        tokens,
        special,
        {"[NEW]": 15},
        weights,
    ]
    for i, content in enumerate(files):
        seed("config_json", f"{i}", bytes([i]) + json.dumps(content).encode())
    pooling = {"embedding_dimension": 8, "pooling_mode": ["mean", "max"], "include_prompt": True}
    seed("config_json", "2-new", b"\2" + json.dumps(pooling).encode())


def weights():
    """The weights of `src/model.rs`, for sixteen words."""
    h, f = 8, 16
    shapes = {
        "embeddings.word_embeddings.weight": [16, h],
        "embeddings.position_embeddings.weight": [24, h],
        "embeddings.token_type_embeddings.weight": [2, h],
        "embeddings.LayerNorm.weight": [h],
        "embeddings.LayerNorm.bias": [h],
    }
    layer = "encoder.layer.0"
    dense = ["attention.self.query", "attention.self.key", "attention.self.value"]
    dense = [(name, h, h) for name in [*dense, "attention.output.dense"]]
    for name, rows, columns in [*dense, ("intermediate.dense", f, h), ("output.dense", h, f)]:
        shapes[f"{layer}.{name}.weight"] = [rows, columns]
        shapes[f"{layer}.{name}.bias"] = [rows]
    for name in ["attention.output", "output"]:
        for part in ["weight", "bias"]:
            shapes[f"{layer}.{name}.LayerNorm.{part}"] = [h]
    for dtype, code in [("F32", "f"), ("F16", "e")]:
        tensors = {}
        for i, (name, shape) in enumerate(shapes.items()):
            count = shape[0] * (shape[1] if len(shape) == 2 else 1)
            values = [((i * 31 + j * 17) % 29) / 29 - 0.4 for j in range(count)]
            tensors[name] = (dtype, shape, struct.pack(f"<{count}{code}", *values))
        seed("safetensors", dtype.lower(), safetensors(tensors))


def texts():
    for name, text in {
        "plain": "This is an example sentence.\nEach sentence is converted",
        "marks": "caf\u00e9 na\u00efve \u0130stanbul \u6771\u4eac\u30bf\u30ef\u30fc \ud55c\uad6d",
        "special": "[CLS] the [SEP] [UNK] ##s [MASK]",
        "controls": "a\0b\u200bc\u202ed\ufeff\r\n\t",
        "long-word": "a" * 300 + " b",
    }.items():
        seed("text", name, text)
        seed("windows", name, b"\x08\x05" + text.encode())


if __name__ == "__main__":
    for part in [arrays, lines, index, models, directories, weights, texts]:
        part()
