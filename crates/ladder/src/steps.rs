//! The registry: every rung once, in the order in which it is read. Tests, benchmarks, tables and
//! plots go by it.

use crate::{
    attention, attention_backward, exp, gelu, gemm, layer_norm, rounded_gemm, softmax,
    weight_gradient, yardstick,
};
use Operation::{
    Attention, AttentionBackward, Exp, Gelu, Gemm, LayerNorm, Softmax, WeightGradient,
};

/// One rung of a ladder.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The ladder's name, which is that of its folder.
    pub ladder: &'static str,
    /// The rung's name, which is that of its file.
    pub name: &'static str,
    /// Its source; the shipped kernel's files as well, where the rung only calls it.
    pub sources: &'static [&'static str],
    /// Its operation.
    pub operation: Operation,
}

/// The function of a rung; all rungs of a ladder have the same signature.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each variant is the module of its name")]
pub enum Operation {
    Gemm(gemm::Rung),
    LayerNorm(layer_norm::Rung),
    Softmax(softmax::Rung),
    Gelu(gelu::Rung),
    Exp(exp::Rung),
    Attention(attention::Rung),
    WeightGradient(weight_gradient::Rung),
    AttentionBackward(attention_backward::Rung),
}

macro_rules! step {
    ($ladder:ident / $name:ident, $operation:expr $(, $kernel:literal)*) => {
        Step {
            ladder: stringify!($ladder),
            name: stringify!($name),
            sources: &[
                include_str!(concat!(stringify!($ladder), "/", stringify!($name), ".rs")),
                $(include_str!(concat!("../../kernels/src/", $kernel)),)*
            ],
            operation: $operation,
        }
    };
}

/// Every rung, ladder by ladder, each from the first to the one that is shipped.
pub const STEPS: &[Step] = &[
    step!(gemm / naive, Gemm(gemm::naive::linear)),
    step!(gemm / loop_order, Gemm(gemm::loop_order::linear)),
    step!(gemm / register_tile, Gemm(gemm::register_tile::linear)),
    step!(gemm / simd_tile, Gemm(gemm::simd_tile::linear)),
    step!(gemm / packed, Gemm(gemm::packed::linear)),
    step!(gemm / blocked, Gemm(gemm::blocked::linear)),
    step!(gemm / threads, Gemm(gemm::threads::linear)),
    step!(
        gemm / shipped,
        Gemm(gemm::shipped::linear),
        "linear.rs",
        "gemm.rs",
        "gemm/micro.rs",
        "gemm/panels.rs"
    ),
    step!(layer_norm / three_passes, LayerNorm(layer_norm::three_passes::layer_norm)),
    step!(layer_norm / two_passes, LayerNorm(layer_norm::two_passes::layer_norm)),
    step!(layer_norm / welford, LayerNorm(layer_norm::welford::layer_norm)),
    step!(layer_norm / lanes, LayerNorm(layer_norm::lanes::layer_norm)),
    step!(layer_norm / shipped, LayerNorm(layer_norm::shipped::layer_norm), "layer_norm.rs"),
    step!(softmax / naive, Softmax(softmax::naive::softmax)),
    step!(softmax / max_shifted, Softmax(softmax::max_shifted::softmax)),
    step!(softmax / vector_exp, Softmax(softmax::vector_exp::softmax)),
    step!(softmax / fused, Softmax(softmax::fused::softmax)),
    step!(softmax / shipped, Softmax(softmax::shipped::softmax), "softmax.rs"),
    step!(gelu / library, Gelu(gelu::library::gelu)),
    step!(gelu / rational, Gelu(gelu::rational::gelu)),
    step!(gelu / shipped, Gelu(gelu::shipped::gelu), "gelu.rs"),
    step!(exp / library, Exp(exp::library::exp)),
    step!(exp / reduced, Exp(exp::reduced::exp)),
    step!(exp / cody_waite, Exp(exp::cody_waite::exp)),
    step!(exp / shipped, Exp(exp::shipped::exp), "exp.rs"),
    step!(attention / whole, Attention(attention::whole::attention)),
    step!(attention / per_head, Attention(attention::per_head::attention)),
    step!(attention / tiles, Attention(attention::tiles::attention)),
    step!(
        attention / shipped,
        Attention(attention::shipped::attention),
        "attention.rs",
        "attention/block.rs",
        "gemm/micro.rs"
    ),
    step!(rounded_gemm / dots, Gemm(rounded_gemm::dots::linear)),
    step!(rounded_gemm / words, Gemm(rounded_gemm::words::linear)),
    step!(rounded_gemm / panel, Gemm(rounded_gemm::panel::linear)),
    step!(
        rounded_gemm / shipped,
        Gemm(rounded_gemm::shipped::linear),
        "linear/quantised.rs",
        "gemm/integer.rs",
        "gemm/micro.rs",
        "gemm/panels.rs",
        "quantise.rs",
        "quantise/chunk.rs"
    ),
    step!(weight_gradient / naive, WeightGradient(weight_gradient::naive::weight_gradient)),
    step!(weight_gradient / outer, WeightGradient(weight_gradient::outer::weight_gradient)),
    step!(weight_gradient / tile, WeightGradient(weight_gradient::tile::weight_gradient)),
    step!(
        weight_gradient / shipped,
        WeightGradient(weight_gradient::shipped::weight_gradient),
        "gemm/weight_gradient.rs"
    ),
    step!(
        attention_backward / per_head,
        AttentionBackward(attention_backward::per_head::attention_backward)
    ),
    step!(
        attention_backward / loop_order,
        AttentionBackward(attention_backward::loop_order::attention_backward)
    ),
    step!(
        attention_backward / shipped,
        AttentionBackward(attention_backward::shipped::attention_backward),
        "attention/backward.rs",
        "attention/backward/products.rs"
    ),
];

/// The yardsticks of ladders that have no yardstick among their own rungs: other libraries'
/// functions.
pub const YARDSTICKS: &[Step] = &[
    Step {
        ladder: "gemm",
        name: "matrixmultiply",
        sources: &[],
        operation: Gemm(yardstick::linear),
    },
    Step {
        ladder: "attention",
        name: "matrixmultiply",
        sources: &[],
        operation: Attention(yardstick::attention),
    },
    Step {
        ladder: "weight_gradient",
        name: "matrixmultiply",
        sources: &[],
        operation: WeightGradient(yardstick::weight_gradient),
    },
];

impl Step {
    /// The rung's idea: the first line of its file.
    ///
    /// ```
    /// let first = minilm_ladder::STEPS[0];
    /// assert_eq!(first.idea(), "Dot products: each element of y by itself.");
    /// ```
    pub fn idea(&self) -> &'static str {
        let first = self.sources.first().and_then(|source| source.lines().next());
        first.and_then(|line| line.strip_prefix("//! ")).unwrap_or_default()
    }

    /// Lines of code: not blank, not comment, not test.
    ///
    /// ```
    /// let step = minilm_ladder::Step {
    ///     sources: &["//! A header.\n\nfn f() {} // code\n\n#[cfg(test)]\nmod tests {}\n"],
    ///     ..minilm_ladder::STEPS[0]
    /// };
    /// assert_eq!(step.lines(), 1);
    /// ```
    pub fn lines(&self) -> usize {
        let before_tests = self
            .sources
            .iter()
            .flat_map(|source| source.lines().take_while(|line| *line != "#[cfg(test)]"));
        before_tests
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
            .count()
    }

    /// Cores it runs on.
    ///
    /// ```
    /// assert_eq!(minilm_ladder::STEPS[0].cores(), 1);
    /// ```
    pub fn cores(&self) -> usize {
        if self.name == "threads" { rayon::current_num_threads() } else { 1 }
    }
}
