//! The backward pass of the whole model: the gradient of a loss for every parameter.
//!
//! ```text
//! y = x·Wᵀ + b              dx = dy·W     dW = dyᵀ·x     db = Σ dy
//! y = x̂·γ + β               dx = r·(q − mean q − x̂·mean(q·x̂)), q = dy·γ
//!                           dγ = Σ dy·x̂   dβ = Σ dy
//! y = gelu(x)               dx = dy·gelu'(x)
//! c = softmax(q·kᵀ/√D)·v    dv = Pᵀ·dc    dS = P⊙(dP − Σ P⊙dP)/√D    dq = dS·k    dk = dSᵀ·q
//! y = x + f(x)              dx = dy + the gradient through f
//! x = word[id] + …          each row adds its gradient to the row it came from
//! ```
//!
//! Read it beside the forward pass: the same steps, last to first. Where a step needs a tensor that
//! the forward pass did not keep, it is computed again from one that it did. `minilm-train`
//! computes the same gradients, bit for bit: it keeps what is needed, and lets threads share the
//! work.
//!
//! Reference: D. Rumelhart, G. Hinton and R. Williams, *Learning Representations by
//! Back-Propagating Errors*, Nature 323, 1986.
//!
//! In the book: `docs/14-training.md`.

use super::{Activations, Layer, LayerActivations, Linear, Plain, add, linear};
use crate::{Batch, Error, embeddings::LayerNorm, projection::Projection};
use minilm_kernels::{
    AlignedVec, Level, Rows, RowsMut,
    attention::{BackwardScratch, attention_backward},
    column_sums::{column_products, column_sums},
    gelu::gelu_backward,
    gemm::{input_gradient, weight_gradient},
    layer_norm::{layer_norm_backward, normalize_rows},
};
use std::collections::BTreeMap;

/// The gradient of every parameter, row-major, by its name in the checkpoint.
pub type Gradients = BTreeMap<String, Vec<f32>>;

impl Plain {
    /// The gradients of a loss for all parameters, given those for the last hidden states
    /// `[T, H]`.
    ///
    /// ```no_run
    /// use minilm_kernels::Level;
    /// use minilm_model::{Batch, Bert};
    ///
    /// let bert = Bert::load("weights/all-MiniLM-L6-v2".as_ref(), Level::detect())?;
    /// let (plain, mut batch) = (bert.plain()?, Batch::default());
    /// batch.push(&[101, 7592, 102]);
    /// let activations = plain.forward(&batch)?;
    /// // The loss ½·Σ x² has the gradient x.
    /// let gradients = plain.backward(&batch, &activations, activations.hidden())?;
    /// println!("{:?}", gradients["embeddings.LayerNorm.bias"]);
    /// # Ok::<(), minilm_model::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Plain::forward`].
    ///
    /// # Panics
    /// If the activations are not the batch's, or `d_hidden` has another shape than they, or the
    /// model's products are of integers: rounding has no gradient.
    pub fn backward(
        &self,
        batch: &Batch,
        activations: &Activations,
        d_hidden: Rows,
    ) -> Result<Gradients, Error> {
        let is_f32 = |layer: &Layer| matches!(layer.query.packed, Projection::F32(_));
        assert!(self.layers.iter().all(is_f32), "products of integers have no gradient");
        let mut gradients = Gradients::new();
        let mut dx: Vec<f32> =
            (0..d_hidden.rows()).flat_map(|t| d_hidden.row(t)).copied().collect(); // [T, H]
        for (n, layer) in self.layers.iter().enumerate().rev() {
            let x = match n {
                0 => &activations.embeddings,
                n => &activations.layers[n - 1].output,
            };
            let record = &mut |name: &str, gradient: Vec<f32>| {
                gradients.insert(format!("encoder.layer.{n}.{name}"), gradient);
            };
            dx = layer.backward(self.level, batch, x, &activations.layers[n], dx, record);
        }
        self.embeddings_backward(batch, &dx, &mut gradients)?;
        Ok(gradients)
    }

    /// The LayerNorm, and a row of each of the three tables for each token.
    fn embeddings_backward(
        &self,
        batch: &Batch,
        dy: &[f32], // [T, H]
        gradients: &mut Gradients,
    ) -> Result<(), Error> {
        let (e, h) = (&self.embeddings, self.embeddings.hidden());
        let mut x = vec![0.0; dy.len()];
        e.sum(batch, &mut x)?;
        let record = &mut |name: &str, gradient: Vec<f32>| {
            gradients.insert(format!("embeddings.{name}"), gradient);
        };
        let dx = norm_backward(self.level, &e.layer_norm, x, dy, "LayerNorm", record);
        let [mut word, mut position, mut types] =
            [e.vocabulary, e.positions, e.types].map(|rows| vec![0.0; rows * h]);
        column_sums(self.level, Rows::new(&dx, h), &mut types[..h]);
        for sentence in 0..batch.sentences() {
            for (p, t) in batch.rows(sentence).enumerate() {
                let (id, dx) = (batch.ids()[t], &dx[t * h..(t + 1) * h]);
                add(&mut position[p * h..(p + 1) * h], dx);
                if e.padding != Some(id) {
                    add(&mut word[id as usize * h..(id as usize + 1) * h], dx);
                }
            }
        }
        record("word_embeddings.weight", word);
        record("position_embeddings.weight", position);
        record("token_type_embeddings.weight", types);
        Ok(())
    }
}

/// Takes the gradient of a parameter by its name.
type Record<'a> = &'a mut dyn FnMut(&str, Vec<f32>);

impl Layer {
    /// dx `[T, H]`, given that of the layer's output.
    fn backward(
        &self,
        level: Level,
        batch: &Batch,
        x: &[f32], // [T, H]
        forward: &LayerActivations,
        d_output: Vec<f32>, // [T, H]
        record: Record,
    ) -> Vec<f32> {
        let LayerActivations { query, key, value, context, attention_output, intermediate, .. } =
            forward;

        // Feed-forward: LayerNorm, down, GELU, up; and past it by the residual.
        let mut sum = linear(&self.output, level, intermediate); // [T, H]
        add(&mut sum, attention_output);
        let d_sum =
            norm_backward(level, &self.output_norm, sum, &d_output, "output.LayerNorm", record);
        let mut d_inner =
            linear_backward(level, &self.output, intermediate, &d_sum, "output.dense", record);
        let mut inner = linear(&self.intermediate, level, attention_output); // [T, F]
        let f = self.intermediate.packed.outputs();
        gelu_backward(level, RowsMut::new(&mut inner, f), RowsMut::new(&mut d_inner, f));
        let name = "intermediate.dense";
        let mut d_attention =
            linear_backward(level, &self.intermediate, attention_output, &d_inner, name, record);
        add(&mut d_attention, &d_sum); // [T, H]

        // Attention: LayerNorm, projection, attention; and past it by the residual.
        let mut sum = linear(&self.attention_output, level, context); // [T, H]
        add(&mut sum, x);
        let name = "attention.output.LayerNorm";
        let d_sum = norm_backward(level, &self.attention_norm, sum, &d_attention, name, record);
        let name = "attention.output.dense";
        let d_context =
            linear_backward(level, &self.attention_output, context, &d_sum, name, record);
        let h = self.query.packed.outputs();
        let qkv = [query, key, value].map(|tensor| Rows::new(tensor, h));
        let mut d_qkv = vec![0.0; 3 * x.len()]; // [T, 3H]
        attention_backward(
            level,
            qkv,
            Rows::new(&d_context, h),
            self.heads,
            batch.starts(),
            None,
            &mut BackwardScratch::default(),
            RowsMut::new(&mut d_qkv, 3 * h),
        );
        self.projections_backward(level, x, &d_qkv, d_sum, record)
    }

    /// The three projections, as one product with 3H inputs: dx = d_qkv·[W_q; W_k; W_v] + d_sum.
    fn projections_backward(
        &self,
        level: Level,
        x: &[f32],       // [T, H]
        d_qkv: &[f32],   // [T, 3H]
        d_sum: Vec<f32>, // [T, H]
        record: Record,
    ) -> Vec<f32> {
        let h = self.query.packed.outputs();
        let (d_qkv, parts) = (Rows::new(d_qkv, 3 * h), [&self.query, &self.key, &self.value]);
        for (part, name) in ["query", "key", "value"].into_iter().enumerate() {
            let dy = d_qkv.columns(part * h..(part + 1) * h);
            parameters_backward(level, x, dy, &format!("attention.self.{name}"), record);
        }
        let weight = parts.map(|part| &part.weight[..]).concat(); // [3H, H]
        let mut dx = vec![0.0; x.len()];
        let (weight, sum) = (Rows::new(&weight, h), Rows::new(&d_sum, h));
        input_gradient(level, d_qkv, weight, Some(sum), RowsMut::new(&mut dx, h));
        dx
    }
}

/// dx `[T, K]` of y = x·Wᵀ + b, from x and dy `[T, N]`.
fn linear_backward(
    level: Level,
    dense: &Linear,
    x: &[f32],
    dy: &[f32],
    name: &str,
    record: Record,
) -> Vec<f32> {
    let (n, k) = (dense.packed.outputs(), dense.packed.inputs());
    let dy = Rows::new(dy, n);
    parameters_backward(level, x, dy, name, record);
    let mut dx = vec![0.0; x.len()];
    input_gradient(level, dy, Rows::new(&dense.weight, k), None, RowsMut::new(&mut dx, k));
    dx
}

/// dW = dyᵀ·x and db = Σ dy.
fn parameters_backward(level: Level, x: &[f32], dy: Rows, name: &str, record: Record) {
    let (n, k) = (dy.cols(), x.len().checked_div(dy.rows()).unwrap_or(1));
    let (mut weight, mut bias) = (vec![0.0; n * k], vec![0.0; n]);
    let (x, scratch) = (Rows::new(x, k), &mut AlignedVec::default());
    weight_gradient(level, dy, x, scratch, RowsMut::new(&mut weight, k));
    column_sums(level, dy, &mut bias);
    record(&format!("{name}.weight"), weight);
    record(&format!("{name}.bias"), bias);
}

/// dx of y = LayerNorm(x), from x and dy `[T, H]`.
fn norm_backward(
    level: Level,
    norm: &LayerNorm,
    mut x: Vec<f32>,
    dy: &[f32],
    name: &str,
    record: Record,
) -> Vec<f32> {
    let h = norm.gamma.len();
    let mut scale = vec![0.0; x.len() / h]; // r
    normalize_rows(level, RowsMut::new(&mut x, h), norm.epsilon, &mut scale);
    let (x, dy) = (Rows::new(&x, h), Rows::new(dy, h)); // x̂
    let [mut gamma, mut beta] = [vec![0.0; h], vec![0.0; h]];
    column_products(level, dy, x, &mut gamma);
    column_sums(level, dy, &mut beta);
    record(&format!("{name}.weight"), gamma);
    record(&format!("{name}.bias"), beta);
    let mut dx = vec![0.0; dy.rows() * h];
    layer_norm_backward(level, dy, x, &scale, &norm.gamma, RowsMut::new(&mut dx, h));
    dx
}
