//! # minilm-train
//!
//! Contrastive fine-tuning of sentence-embedding models on the CPU, and **the same bits of every
//! weight after training**, whatever the threads, the level, and the memory.
//!
//! | type | content |
//! |---|---|
//! | [`Network`] | the model with its gradients and its optimiser: one step of training |
#![forbid(unsafe_code)]

pub mod network;

pub use network::{AdamW, Dropout, Network, Tokens};
