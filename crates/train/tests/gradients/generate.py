"""Makes the gradients in this directory with PyTorch's autograd in f64.

usage, from the repository's root, with torch, transformers and sentence-transformers:
    python crates/train/tests/gradients/generate.py tiny OUT    a BERT of random weights and odd sizes
    python crates/train/tests/gradients/generate.py real OUT    all-MiniLM-L6-v2, on the texts in real/*.json
"""
import json, os, sys
import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

HERE, MODEL = os.path.dirname(os.path.abspath(__file__)), "weights/all-MiniLM-L6-v2"

def embed(model, batch):
    hidden, mask = model(**batch).last_hidden_state, batch["attention_mask"].unsqueeze(-1)
    mean = (hidden * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(mean, p=2, dim=1)

def padded(ids):
    longest = max(len(x) for x in ids)
    batch = {k: torch.zeros(len(ids), longest, dtype=torch.long) for k in ("input_ids", "attention_mask", "token_type_ids")}
    for i, x in enumerate(ids):
        batch["input_ids"][i, :len(x)] = torch.tensor(x); batch["attention_mask"][i, :len(x)] = 1
    return batch

def mnrl(e, anchors):  # in-batch negatives and hard negatives
    return torch.nn.functional.cross_entropy(20.0 * e[:anchors] @ e[anchors:].T, torch.arange(anchors))
def cosent(e, labels):
    s = 20.0 * (e[:len(e) // 2] * e[len(e) // 2:]).sum(1); y = torch.tensor(labels, dtype=e.dtype)
    d = torch.where(y[:, None] > y[None], s[None] - s[:, None], torch.full((len(s), len(s)), -torch.inf, dtype=e.dtype))
    return torch.logsumexp(torch.cat([d.new_zeros(1), d.flatten()]), 0)
def cosine_mse(e, labels):
    return ((e[:len(e) // 2] * e[len(e) // 2:]).sum(1) - torch.tensor(labels, dtype=e.dtype)).pow(2).mean()
def triplet(e):
    a, p, n = e.chunk(3); return torch.relu((a * n).sum(1) - (a * p).sum(1) + 0.2).mean()

def groups(model, decay):  # biases and LayerNorms do not decay
    exempt = lambda n: n.endswith("bias") or "LayerNorm" in n
    return [{"params": [p for n, p in model.named_parameters() if exempt(n) == e], "weight_decay": 0.0 if e else decay} for e in (False, True)]

def tiny(out):
    torch.manual_seed(0); torch.set_num_threads(1)
    config = BertConfig(vocab_size=97, hidden_size=40, num_hidden_layers=2, num_attention_heads=5, intermediate_size=72, max_position_embeddings=24, type_vocab_size=2, layer_norm_eps=1e-12, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = BertModel(config, add_pooling_layer=False)
    with torch.no_grad():
        for n, p in model.named_parameters():
            p.copy_(torch.randn_like(p) * (0.2 if "LayerNorm" in n else 0.3) + (1.0 if n.endswith("LayerNorm.weight") else 0.0))
    save_file({n: p.detach().clone() for n, p in model.named_parameters()}, f"{out}/model.safetensors"); config.save_pretrained(out)
    model = model.double().train()
    ids = [torch.randint(0, 97, (n,)).tolist() for n in (1, 2, 3, 5, 7, 11, 16, 17, 24, 4, 4, 9)]; ids[9] = ids[10]
    batch, index = padded(ids), {"ids": ids, "cases": {}}
    labels = [0.9, 0.1, 0.5, 0.5]
    cases = {"mnrl": (2, lambda e: mnrl(e[:8], 4)), "mnrl_hard": (3, lambda e: mnrl(e, 4)), "cosent": (2, lambda e: cosent(e[:8], labels))}
    for name, (columns, loss) in cases.items():
        model.zero_grad(); e = embed(model, batch); e.retain_grad()
        value = loss(torch.nn.functional.normalize(e, dim=1)); value.backward()  # cosines: the original normalises once more
        tensors = {n: (p.grad if p.grad is not None else torch.zeros_like(p)).float() for n, p in model.named_parameters()}
        tensors |= {"sentence_embedding": e.detach().float(), "sentence_embedding.grad": e.grad.float()}
        save_file({k: v.contiguous() for k, v in tensors.items()}, f"{out}/{name}.safetensors")
        index["cases"][name] = {"columns": columns, "loss": value.item()} | ({"labels": labels} if name == "cosent" else {})
    steps, optimizer = [], torch.optim.AdamW(groups(model, 0.01), lr=1e-3)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: s / 2 if s < 2 else (5 - s) / 3)  # two steps of warm-up
    for _ in range(4):
        model.zero_grad(); loss = mnrl(embed(model, batch)[:8], 4); loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0); lr = rate.get_last_lr()[0]; optimizer.step(); rate.step()
        steps.append({"loss": loss.item(), "grad_norm": norm.item(), "lr": lr})
    tensors = {}
    for n, p in model.named_parameters():
        tensors |= {n: p.detach()} | {f"{n}.{k}": optimizer.state[p][k] for k in ("exp_avg", "exp_avg_sq")}
    save_file({k: v.float().contiguous() for k, v in tensors.items()}, f"{out}/adamw_4_steps.safetensors")
    index["adamw"] = {"steps": steps, "weight_decay": 0.01, "max_grad_norm": 1.0}
    json.dump(index, open(f"{out}/index.json", "w"), indent=1)

def real(out):
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    for name in ("mnrl-8", "mnrl-one-long", "cosent-8", "cosine-mse-8", "triplet-4"):
        case = json.load(open(f"{HERE}/real/{name}.json")); texts, labels = case["texts"], case["labels"]
        batch = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
        model = AutoModel.from_pretrained(MODEL, add_pooling_layer=False, dtype=torch.float64)  # in evaluation mode: no dropout
        e = embed(model, batch)
        loss = cosent(e, labels) if name == "cosent-8" else cosine_mse(e, labels) if labels else triplet(e) if name == "triplet-4" else mnrl(e, len(texts) // 2)
        loss.backward(); generator, tensors = torch.Generator().manual_seed(7), {}
        grads = {n: p.grad for n, p in model.named_parameters()}
        for n, g in grads.items():  # of the word embeddings, values in rows that are used
            rows = g.abs().sum(1).nonzero().flatten() if "word_embeddings" in n else None
            where = torch.arange(g.numel()) if rows is None else (rows[:, None] * g.shape[1] + torch.arange(g.shape[1])).flatten()
            at = where[torch.randint(0, len(where), (32,), generator=generator)]
            tensors |= {f"{n}.at": at, f"{n}.value": g.flatten()[at], f"{n}.norm_max": torch.stack([g.norm(), g.abs().max()])}
        save_file(tensors, f"{out}/{name}.safetensors")
        norm = torch.sqrt(sum((g ** 2).sum() for g in grads.values())).item()
        ids = [x[:int(k.sum())].tolist() for x, k in zip(batch["input_ids"], batch["attention_mask"])]
        json.dump({"texts": texts, "labels": labels, "loss": loss.item(), "grad_norm": norm, "ids": ids}, open(f"{out}/{name}.json", "w"), indent=1)

os.makedirs(sys.argv[2], exist_ok=True)
{"tiny": tiny, "real": real}[sys.argv[1]](sys.argv[2])
