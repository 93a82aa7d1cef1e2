"""The server that people write: FastAPI over sentence-transformers. `run.py` starts it."""

import os

from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer

app = FastAPI()
model = SentenceTransformer(os.environ["MINILM_MODEL"], device="cpu")


class Request(BaseModel):
    input: str | list[str]


@app.post("/v1/embeddings")
def embeddings(request: Request):
    texts = [request.input] if isinstance(request.input, str) else request.input
    rows = model.encode(texts)
    data = [
        {"object": "embedding", "index": i, "embedding": row.tolist()}
        for i, row in enumerate(rows)
    ]
    return {"object": "list", "data": data}
