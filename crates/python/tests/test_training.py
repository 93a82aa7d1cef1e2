"""Training: the weights of ``minilm train``, bit by bit, and arguments that are refused by name."""

import csv
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from conftest import MODEL
from minilm import SentenceTransformer, losses
from minilm.training import (
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)

PROGRAM = os.environ.get("MINILM_PROGRAM")
PAIRS = {
    "anchor": ["How do I pay?", "Where is my parcel?", "My card is lost.", "Is it open?"],
    "positive": ["Paying with a card", "Tracking a delivery", "Blocking a card", "Opening hours"],
}
TRIPLETS = {**PAIRS, "negative": PAIRS["positive"][1:] + PAIRS["positive"][:1]}
SCORED = {
    "sentence1": PAIRS["anchor"],
    "sentence2": PAIRS["positive"],
    "score": [1.0, 0.25, 0.5, 0.75],
}
LABELLED = {**SCORED, "label": [1, 0, 1, 0]}
del LABELLED["score"]
CLASSES = {"text": [*PAIRS["anchor"], *PAIRS["positive"]], "label": list("abcdabcd")}

#: Settings, and the options of the program that mean the same.
SETTINGS = {"max_steps": 2, "per_device_train_batch_size": 4, "warmup_steps": 1}
OPTIONS = ["--max-steps", "2", "--batch", "4", "--warmup", "1", "--learning-rate", "5e-5"]


def train(output, data, loss=None, callbacks=None, **settings):
    model = SentenceTransformer(MODEL)
    arguments = SentenceTransformerTrainingArguments(
        output, disable_tqdm=True, **{**SETTINGS, **settings}
    )
    trainer = SentenceTransformerTrainer(model, arguments, data, loss=loss, callbacks=callbacks)
    return model, trainer.train(), trainer


def weights_of(folder):
    return hashlib.sha256((pathlib.Path(folder) / "model.safetensors").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("data", "loss", "options"),
    [
        (PAIRS, None, []),
        (
            PAIRS,
            losses.MultipleNegativesRankingLoss(
                scale=10.0,
                directions=("query_to_doc", "doc_to_query"),
                partition_mode="per_direction",
            ),
            ["--scale", "10", "--symmetric"],
        ),
        (SCORED, losses.CosineSimilarityLoss(), ["--loss", "cosine"]),
        (SCORED, lambda model: losses.CoSENTLoss(model, scale=5.0), ["--scale", "5"]),
        (LABELLED, losses.ContrastiveLoss(margin=0.4), ["--margin", "0.4"]),
        (
            TRIPLETS,
            losses.TripletLoss(None, losses.TripletDistanceMetric.COSINE, 1.5),
            ["--loss", "triplet", "--margin", "1.5"],
        ),
        (
            PAIRS,
            losses.MatryoshkaLoss(None, losses.MultipleNegativesRankingLoss(), [384, 64]),
            ["--matryoshka", "384,64"],
        ),
        (CLASSES, None, []),
    ],
)
def test_the_weights_are_those_of_the_program(data, loss, options, tmp_path):
    if PROGRAM is None:
        pytest.skip("MINILM_PROGRAM does not name the program")
    with open(tmp_path / "rows.csv", "w", newline="") as file:
        csv.writer(file).writerows([list(data), *zip(*data.values())])
    theirs = tmp_path / "theirs"
    command = [PROGRAM, "--quiet", "--model", MODEL, "train", tmp_path / "rows.csv", "-o", theirs]
    subprocess.run([*command, *OPTIONS, *options], check=True, capture_output=True)
    model, outcome, _ = train(tmp_path / "ours", data, loss)
    assert weights_of(tmp_path / "ours") == weights_of(theirs)
    assert outcome.metrics["sha256"] == weights_of(theirs) and outcome.global_step == 2
    again = SentenceTransformer(theirs)
    assert np.array_equal(model.encode("a text"), again.encode("a text"))
    assert not np.array_equal(model.encode("a text"), SentenceTransformer(MODEL).encode("a text"))


def test_a_teacher_is_learned_from(tmp_path):
    teacher = SentenceTransformer(MODEL, precision="int8")
    loss = losses.EmbedDistillLoss(teacher=teacher)
    _, outcome, _ = train(tmp_path / "m", PAIRS, loss, dropout=0.0)
    assert 0 < outcome.training_loss < 0.01  # the teacher is the same model, rounded
    with pytest.raises(ValueError, match="distance_metric='l2' is not there"):
        losses.EmbedDistillLoss(distance_metric="l2", teacher=teacher)


def test_events_are_told(tmp_path, capsys):
    events = []
    model = SentenceTransformer(MODEL)
    arguments = SentenceTransformerTrainingArguments(
        tmp_path / "m", eval_strategy="steps", eval_steps=1, save_steps=1, **SETTINGS
    )
    trainer = SentenceTransformerTrainer(
        model, arguments, PAIRS, {"pairs": PAIRS}, callbacks=[events.append]
    )
    outcome = trainer.train()
    kinds = [event["event"] for event in events]
    assert kinds[0] == "evaluation" and kinds.count("step") == 2 and "checkpoint" in kinds
    steps = [event for event in events if event["event"] == "step"]
    assert [step["step"] for step in steps] == [1, 2]
    assert {"loss", "grad_norm", "learning_rate", "epoch", "tokens"} <= set(steps[0])
    assert events == trainer.state.log_history and trainer.state.max_steps == 2
    scores = outcome.metrics["after"][0]
    assert scores["name"] == "pairs" and scores["values"][0][0] == "cosine_ndcg@10"
    assert "2/2" in capsys.readouterr().err
    assert not list((tmp_path / "m").glob("checkpoint-*"))
    trainer.save_model(tmp_path / "copy")
    assert np.array_equal(SentenceTransformer(tmp_path / "copy").encode("a"), model.encode("a"))
    with pytest.raises(FileExistsError):
        model.save_pretrained(tmp_path / "copy")


def test_an_interrupted_run_goes_on_with_the_same_bits(tmp_path):
    def stop(event):
        if event["event"] == "step" and event["step"] == 1:
            signal.raise_signal(signal.SIGINT)

    settings = {"max_steps": 3}
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", PAIRS, callbacks=[stop], **settings)
    assert list((tmp_path / "stopped").glob("checkpoint-*"))
    arguments = SentenceTransformerTrainingArguments(
        tmp_path / "stopped", disable_tqdm=True, **{**SETTINGS, **settings}
    )
    trainer = SentenceTransformerTrainer(SentenceTransformer(MODEL), arguments, PAIRS)
    with pytest.raises(ValueError, match="a run stopped here after step 1: resume it"):
        trainer.train()
    trainer.train(resume_from_checkpoint=True)
    train(tmp_path / "whole", PAIRS, **settings)
    assert weights_of(tmp_path / "stopped") == weights_of(tmp_path / "whole")


def test_no_bit_depends_on_what_is_kept(tmp_path):
    weights = [
        train(tmp_path / str(kept), PAIRS, kept_tokens=kept)[1].metrics["sha256"]
        for kept in (None, 8, 1)
    ]
    assert weights == [weights[0]] * 3


def test_tables_of_other_libraries_are_datasets(tmp_path):
    expected = train(tmp_path / "dict", SCORED)[1].metrics["sha256"]
    for name, make in (
        ("pandas", lambda library: library.DataFrame(SCORED)),
        ("polars", lambda library: library.DataFrame(SCORED)),
        ("pyarrow", lambda library: library.table(SCORED)),
        ("datasets", lambda library: library.Dataset.from_dict(SCORED)),
    ):
        try:
            library = __import__(name)
        except ImportError:
            continue
        assert train(tmp_path / name, make(library))[1].metrics["sha256"] == expected, name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"seed": "x"}, "arguments"),
        ({"batch_sampler": "other"}, "batch_sampler='other' is not there"),
        ({"lr_scheduler_type": "polynomial"}, "lr_scheduler_type='polynomial' is not there"),
        ({"average": 2.0}, "average"),
        ({"kept_tokens": 0}, "kept_tokens is at least 1, not 0"),
    ],
)
def test_a_wrong_setting_is_named(settings, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        train(tmp_path / "m", PAIRS, **settings)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ({"anchor": ["a", "b"], "positive": ["c"]}, ValueError, "anchor has 2, positive has 1"),
        ({"anchor": ["a", None], "positive": ["c", "d"]}, TypeError, "row 1 of .*'anchor' is None"),
        ({"anchor": ["a", " "], "positive": ["c", "d"]}, ValueError, "row 1: text 1 .* is empty"),
        ({"text": ["a", "b"]}, ValueError, "the columns text tell neither"),
        ({"anchor": [], "positive": []}, ValueError, "0 row is too few to learn from"),
        ({**SCORED, "score": [1, 2, "x", 4]}, ValueError, "x"),
        (None, TypeError, "train_dataset is a table with named columns, not a NoneType"),
        ([("a", "b")], TypeError, "not a list"),
        (7, TypeError, "not a int"),
    ],
)
def test_wrong_data_are_an_error(data, error, message, tmp_path):
    with pytest.raises(error, match=message):
        train(tmp_path / "m", data)


def test_what_the_original_has_and_minilm_has_not_is_refused_by_name(tmp_path):
    model = SentenceTransformer(MODEL)
    arguments = SentenceTransformerTrainingArguments(tmp_path / "m")
    make = SentenceTransformerTrainer
    for name in ("evaluator", "optimizers", "data_collator", "compute_metrics"):
        with pytest.raises(ValueError, match=name):
            make(model, arguments, PAIRS, **{name: object()})
    with pytest.raises(ValueError, match="eval_dataset and eval_strategy"):
        make(model, arguments, PAIRS, PAIRS)
    with pytest.raises(TypeError, match="args are"):
        make(model, None, PAIRS)
    with pytest.raises(TypeError, match="loss is one of minilm.losses, not a int"):
        make(model, arguments, PAIRS, loss=7)
    with pytest.raises(TypeError, match="callbacks are functions"):
        make(model, arguments, PAIRS, callbacks=[object()])
    with pytest.raises(TypeError, match="fp16"):
        SentenceTransformerTrainingArguments(tmp_path / "m", fp16=True)
    with pytest.raises(ValueError, match="eval_steps"):
        SentenceTransformerTrainingArguments(tmp_path / "m", eval_steps=3)
    for wrong, message in (
        ({"similarity_fct": max}, "similarity_fct"),
        ({"gather_across_devices": True}, "gather_across_devices"),
        ({"directions": ("doc_to_doc",)}, "directions"),
        ({"hardness_strength": 1.0}, "hardness_strength"),
        ({"scale": 0.0}, "scale=0.0 is not above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            losses.MultipleNegativesRankingLoss(**wrong)
    with pytest.raises(TypeError, match="scale is a number, not a str"):
        losses.CoSENTLoss(scale="20")
    with pytest.raises(ValueError, match="size_average=False"):
        losses.ContrastiveLoss(size_average=False)
    with pytest.raises(TypeError, match="loss is another loss"):
        losses.MatryoshkaLoss(None, None, [64])
    with pytest.raises(ValueError, match="0 matryoshka_dims"):
        losses.MatryoshkaLoss(None, losses.CoSENTLoss(), [])
    with pytest.raises(ValueError, match="CoSENTLoss needs scored or labelled pairs"):
        train(tmp_path / "n", PAIRS, losses.CoSENTLoss())


def test_losses_are_those_of_the_original():
    """Names, and the defaults of the arguments that both have."""
    import inspect

    pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer import losses as original

    for name in losses.__all__:
        theirs, ours = getattr(original, name), getattr(losses, name)
        if "Metric" in name:
            continue
        theirs, ours = (inspect.signature(one.__init__).parameters for one in (theirs, ours))
        assert set(theirs) <= set(ours), name
        for argument, parameter in theirs.items():
            if isinstance(parameter.default, (int, float, str, tuple)):
                assert ours[argument].default == parameter.default, f"{name}: {argument}"


def test_ctrl_c_ends_a_run_within_a_second_of_its_step(tmp_path):
    script = f"""
    import sys, time
    from minilm import SentenceTransformer
    from minilm.training import *
    texts = [f"text {{i}}" for i in range(4000)]
    arguments = SentenceTransformerTrainingArguments({str(tmp_path / "m")!r}, disable_tqdm=True)
    trainer = SentenceTransformerTrainer(
        SentenceTransformer({MODEL!r}), arguments, {{"anchor": texts, "positive": texts[::-1]}},
        callbacks=[lambda event: print(event["step"], flush=True)])
    try:
        trainer.train()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "1\n"
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=120)[0]
        assert output.endswith("interrupted\n") and len(output.splitlines()) < 20
        state = next((tmp_path / "m").glob("checkpoint-*")) / "trainer_state.json"
        assert json.loads(state.read_text())["global_step"] >= 1
    finally:
        process.kill()
