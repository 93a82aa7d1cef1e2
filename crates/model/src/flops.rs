//! The floating-point operations of a forward pass, counted from the shape of the model.
//!
//! ```text
//! linear layers   2·(H·3H + H·H + H·F + F·H)   for each token, in each layer
//! attention       2·(L·H + L·H)                for each token of L, in each layer: q·kᵀ and e·v
//! ```
//!
//! A multiply-add counts as two. Bias, residual, GELU, softmax and LayerNorm are not counted.
//!
//! In the book: `docs/01-model.md`.

use crate::Config;

/// The shape of a linear layer y = x·Wᵀ + b, with x `[T, inputs]` and W `[outputs, inputs]`.
///
/// ```
/// # let json = r#"{ "model_type": "bert", "vocab_size": 30522, "hidden_size": 384,
/// #     "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536,
/// #     "max_position_embeddings": 512 }"#;
/// # let config: minilm_model::Config = serde_json::from_str(json)?;
/// let [query_key_value, ..] = config.linear_layers();
/// assert_eq!((query_key_value.inputs, query_key_value.outputs), (384, 3 * 384));
/// assert_eq!(query_key_value.flop(16), 16 * 2 * 384 * 3 * 384);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinearShape {
    /// K: columns of x.
    pub inputs: usize,
    /// N: columns of y.
    pub outputs: usize,
}

impl LinearShape {
    /// Floating-point operations for `rows` rows of x.
    pub fn flop(self, rows: usize) -> u64 {
        2 * rows as u64 * self.weights()
    }

    /// Numbers in W; each is one multiply-add for a row of x.
    pub fn weights(self) -> u64 {
        self.inputs as u64 * self.outputs as u64
    }
}

impl Config {
    /// The linear layers of one encoder layer, in the order in which they run: query, key and value
    /// as one; attention output; feed-forward up; feed-forward down.
    pub fn linear_layers(&self) -> [LinearShape; 4] {
        let (h, f) = (self.hidden_size, self.intermediate_size);
        [(h, 3 * h), (h, h), (h, f), (f, h)]
            .map(|(inputs, outputs)| LinearShape { inputs, outputs })
    }

    /// Numbers in the weights of the linear layers of all encoder layers, without biases; each is
    /// one multiply-add for a token.
    ///
    /// ```
    /// # let json = r#"{ "model_type": "bert", "vocab_size": 30522, "hidden_size": 384,
    /// #     "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536,
    /// #     "max_position_embeddings": 512 }"#;
    /// # let config: minilm_model::Config = serde_json::from_str(json)?;
    /// assert_eq!(config.linear_weights(), 10_616_832);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn linear_weights(&self) -> u64 {
        let one_layer: u64 = self.linear_layers().into_iter().map(LinearShape::weights).sum();
        self.num_hidden_layers as u64 * one_layer
    }

    /// Floating-point operations of attention in one encoder layer, for a sentence of `length`
    /// tokens: q·kᵀ and e·v of all heads.
    ///
    /// ```
    /// # let json = r#"{ "model_type": "bert", "vocab_size": 30522, "hidden_size": 384,
    /// #     "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536,
    /// #     "max_position_embeddings": 512 }"#;
    /// # let config: minilm_model::Config = serde_json::from_str(json)?;
    /// assert_eq!(config.attention_flop(256), 2 * 2 * 256 * 256 * 384);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn attention_flop(&self, length: usize) -> u64 {
        let (h, l) = (self.hidden_size as u64, length as u64);
        2 * 2 * l * l * h
    }

    /// Floating-point operations of a whole pass, for a sentence of `length` tokens.
    ///
    /// ```
    /// # let json = r#"{ "model_type": "bert", "vocab_size": 30522, "hidden_size": 384,
    /// #     "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536,
    /// #     "max_position_embeddings": 512 }"#;
    /// # let config: minilm_model::Config = serde_json::from_str(json)?;
    /// let attention = config.num_hidden_layers as u64 * config.attention_flop(16);
    /// assert_eq!(config.flop(16), 2 * 16 * config.linear_weights() + attention);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn flop(&self, length: usize) -> u64 {
        2 * length as u64 * self.linear_weights()
            + self.num_hidden_layers as u64 * self.attention_flop(length)
    }
}
