"""Writes directories.json: which ids transformers makes of texts, by what a directory says.

    python tests/golden/directories.py

Each case is a directory of a BERT without weights.
"""

import json
import tempfile
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer

HERE = Path(__file__).parent

VOCABULARY = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "The", "cat", "Cat", "##s", "é", "É", "e", "E",
    "a", "b", "漢", "字", "漢字", "##字", "[", "]", "world", "mask", "##é", "c", "##af", "##e", "<s>", "</s>", "<unk>",
]  # fmt: skip
TEXTS = [
    "", "The cats", "the Cat", "É é E e", "café Café", "漢字", "a [MASK] b", "[CLS] the [SEP]", "[WORLD] the",
    "the[world]a", "a<new>b < new >", "zzz", "a [mask] b", "New York a",
]  # fmt: skip


def bert(lowercase: bool, strip_accents: bool | None = None, chinese: bool = True, added: list | None = None) -> str:
    """A tokenizer.json of the vocabulary."""
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(True, chinese, strip_accents, lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(VOCABULARY[:5])
    tokenizer.add_tokens(added or [])
    return tokenizer.to_str()


def bpe() -> str:
    """A tokenizer.json of another kind, with dropout."""
    vocab = {token: i for i, token in enumerate(["<s>", "</s>", "<unk>", "a", "b", "ab", "t", "h", "e", "th", "the"])}
    merges = [("a", "b"), ("t", "h"), ("th", "e")]
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("</s>", 1), ("<s>", 0))
    return tokenizer.to_str()


def token(content: str, **flags: bool) -> dict:
    plain = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False, "special": False}
    return {"content": content} | plain | flags


NEW = {"31": token("[WORLD]"), "32": token("<new>", special=True), "33": token("New York", normalized=True)}
FAST = {"tokenizer_class": "PreTrainedTokenizerFast"}
BERT = {"tokenizer_class": "BertTokenizer"}

# name: tokenizer.json (None: vocab.txt alone), tokenizer_config.json, other files
CASES = {
    "vocab.txt alone": (None, None, {}),
    "vocab.txt, cased": (None, {"do_lower_case": False}, {}),
    "vocab.txt, accents kept": (None, {"strip_accents": False}, {}),
    "vocab.txt, cased, accents stripped": (None, {"do_lower_case": False, "strip_accents": True}, {}),
    "vocab.txt, Chinese words whole": (None, {"tokenize_chinese_chars": False}, {}),
    "vocab.txt, other special tokens": (None, {"cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>"}, {}),
    "vocab.txt, special tokens elsewhere": (None, {}, {"special_tokens_map.json": {"cls_token": "<s>", "sep_token": token("</s>", lstrip=True)}}),
    "vocab.txt, added tokens": (None, {}, {"added_tokens.json": {"[WORLD]": 31}}),
    "vocab.txt, added special tokens": (None, {"additional_special_tokens": ["[WORLD]"]}, {"added_tokens.json": {"[WORLD]": 31}}),
    "vocab.txt, tokens in the configuration": (None, {"added_tokens_decoder": NEW}, {"added_tokens.json": {"never": 31}}),
    "vocab.txt, special tokens are text": (None, {"split_special_tokens": True}, {}),
    "both uncased": (bert(True), {"do_lower_case": True}, {}),
    "both cased": (bert(False), {"do_lower_case": False}, {}),
    "tokenizer.json alone, uncased": (bert(True), None, {}),
    "tokenizer.json alone, cased": (bert(False), None, {}),
    "a cased file, a silent configuration": (bert(False), BERT, {}),
    "a cased file, an uncased configuration": (bert(False), {"do_lower_case": True}, {}),
    "an uncased file, a cased configuration": (bert(True), {"do_lower_case": False}, {}),
    "an uncased file, accents kept": (bert(True), {"strip_accents": False}, {}),
    "an uncased file, Chinese words whole": (bert(True), {"tokenize_chinese_chars": False}, {}),
    "a file that wins, cased": (bert(False), FAST | {"do_lower_case": True}, {}),
    "a file that wins, accents kept": (bert(True, strip_accents=False), {"tokenizer_class": "TokenizersBackend"}, {}),
    "tokens in the file": (bert(True, added=["[WORLD]", AddedToken("<new>", normalized=False)]), BERT, {}),
    "tokens in the file, others in the configuration": (bert(True, added=["never"]), BERT | {"added_tokens_decoder": NEW}, {}),
    "a file that wins, tokens in the configuration": (bert(True), FAST | {"added_tokens_decoder": NEW}, {}),
    "a file that wins, added tokens": (bert(True), FAST, {"added_tokens.json": {"[WORLD]": 31}}),
    "more special tokens": (bert(True), BERT | {"extra_special_tokens": ["<new>", "the"]}, {}),
    "a file that wins, special tokens are text": (bert(True), FAST | {"split_special_tokens": True}, {}),
    "the fast name of the class": (bert(False), {"tokenizer_class": "BertTokenizerFast", "do_lower_case": True}, {}),
    "the class of DistilBERT": (bert(False), {"tokenizer_class": "DistilBertTokenizer", "do_lower_case": True}, {}),
    "another kind of model": (bpe(), FAST, {}),
}


def run(written: str | None, config: dict | None, others: dict) -> dict:
    """A case with the ids of each text."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: json.dumps(content) for name, content in others.items()}
        if written is None:
            files["vocab.txt"] = "\n".join(VOCABULARY) + "\n"
        else:
            files["tokenizer.json"] = written
        if config is not None:
            files["tokenizer_config.json"] = json.dumps(config)
        for name, content in files.items():
            (Path(folder) / name).write_text(content)
        (Path(folder) / "config.json").write_text('{"model_type": "bert"}')
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return {"files": files, "ids": [tokenizer(text)["input_ids"] for text in TEXTS]}


def main() -> None:
    cases = {name: run(*case) for name, case in CASES.items()}
    content = {"texts": TEXTS, "cases": cases}
    (HERE / "directories.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
