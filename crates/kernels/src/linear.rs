//! The linear layer y = x·Wᵀ + b (`torch.nn.Linear`), and the entry to every product.
//!
//! ```text
//! Linear            W in panels for one level, and a bias if there is one
//!   forward         y ← x·Wᵀ + b
//!   accumulate      y ← y + x·Wᵀ + b          for a layer that is cut along K
//!   columns         the same for some columns of y: what one thread computes
//! ```
//!
//! Shapes are checked here, once per product; the loops in [`gemm`](crate::gemm) check nothing.
//!
//! In the book: `docs/03-gemm.md`.

mod quantised;

pub use quantised::{QuantisedLinear, QuantisedPacker};

use crate::{
    Level, Rows, RowsMut,
    gemm::{Gemm, KC, PART, Packer, Panels},
    memory::OutOfMemory,
};
use std::{borrow::Cow, ops::Range};

/// The operation on y when its sums are complete. A bias is added first, if the layer has one.
#[derive(Clone, Copy, Debug)]
pub enum Epilogue<'a> {
    /// y = x·Wᵀ + b
    Identity,
    /// y = gelu(x·Wᵀ + b)
    Gelu,
    /// y = (x·Wᵀ + b) + r, with r `[rows, N]`
    Residual(Rows<'a>),
}

/// A linear layer `y = x·Wᵀ + b` with its weights, of type `E`, packed for one level.
///
/// ```
/// use minilm_kernels::{Level, Linear};
/// let linear = Linear::pack(Level::detect(), &[2.0, 3.0], 1).with_bias(&[0.5]); // W [1, 2], b [1]
/// let mut y = [0.0; 2];
/// linear.forward(&[1.0, 1.0, 10.0, 0.0], &mut y); // x [2, 2]
/// assert_eq!(y, [5.5, 20.5]);
/// ```
#[derive(Clone, Debug)]
pub struct Linear<E = f32> {
    level: Level,
    weights: Panels<E>,     // [N, K]
    bias: Option<Vec<f32>>, // [N]
}

impl Linear {
    /// Packs `weight` `[outputs, K]`, row-major as PyTorch stores it, for `level`.
    ///
    /// # Panics
    /// If `weight` is empty or holds no whole rows, or there is no memory.
    pub fn pack(level: Level, weight: &[f32], outputs: usize) -> Linear {
        Linear::pack_together(level, |packer| packer.linear(weight, outputs))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Packs layers into one piece of memory, in the order in which `layers` asks for them.
    ///
    /// Layers that are used one after the other should be packed in that order: while one is
    /// computed, the weights that lie behind it are fetched.
    ///
    /// ```
    /// use minilm_kernels::{Level, Linear};
    /// struct Mlp { up: Linear, down: Linear }
    /// let (w1, w2) = ([2.0, 3.0], [1.0]);
    /// let mlp = Linear::pack_together(Level::detect(), |packer| Mlp {
    ///     up: packer.linear(&w1, 1).with_bias(&[0.5]),
    ///     down: packer.linear(&w2, 1),
    /// })?;
    /// assert_eq!((mlp.up.inputs(), mlp.down.inputs()), (2, 1));
    /// # Ok::<_, minilm_kernels::memory::OutOfMemory>(())
    /// ```
    ///
    /// # Errors
    /// If there is no memory.
    ///
    /// # Panics
    /// If weights are empty or hold no whole rows. A layer is packed when `pack_together` returns:
    /// `layers` must not use one.
    pub fn pack_together<'a, T>(
        level: Level,
        layers: impl FnOnce(&mut Packer<'a>) -> T,
    ) -> Result<T, OutOfMemory> {
        let mut packer = Packer::new(level);
        let packed = layers(&mut packer);
        packer.finish()?;
        Ok(packed)
    }

    /// The same layer with the bias `[N]`.
    ///
    /// # Panics
    /// If `bias` has another length.
    #[must_use]
    pub fn with_bias(self, bias: &[f32]) -> Linear {
        let n = self.outputs();
        assert_eq!(bias.len(), n, "{} biases for {n} outputs", bias.len());
        Linear { bias: Some(bias.to_vec()), ..self }
    }

    /// Replaces the weights by `weight` `[N, K]` and the bias by `bias` `[N]`, in the memory that
    /// the layer has: for training, which changes them after each step.
    ///
    /// ```
    /// use minilm_kernels::{Level, Linear};
    /// let mut linear = Linear::pack(Level::detect(), &[2.0], 1).with_bias(&[0.5]);
    /// linear.replace(&[3.0], &[1.0]);
    /// let mut y = [0.0];
    /// linear.forward(&[10.0], &mut y);
    /// assert_eq!(y, [31.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes differ, or the layer shares its memory: it was packed together with others, or
    /// has a clone.
    pub fn replace(&mut self, weight: &[f32], bias: &[f32]) {
        let (n, k) = (self.outputs(), self.inputs());
        assert_eq!(weight.len(), n * k, "{} weights for [{n}, {k}]", weight.len());
        assert_eq!(bias.len(), n, "{} biases for {n} outputs", bias.len());
        self.weights.replace(self.level, Rows::new(weight, k));
        self.bias = Some(bias.to_vec());
    }

    /// Columns of x: K.
    pub fn inputs(&self) -> usize {
        self.weights.inputs()
    }

    /// Columns of y: N.
    pub fn outputs(&self) -> usize {
        self.weights.outputs()
    }

    /// The bias `[N]`, if there is one.
    pub fn bias(&self) -> Option<&[f32]> {
        self.bias.as_deref()
    }

    /// y = x·Wᵀ + b for dense x `[M, K]` and y `[M, N]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn forward(&self, x: &[f32], y: &mut [f32]) {
        let (k, n) = (self.inputs(), self.outputs());
        self.forward_with(Rows::new(x, k), RowsMut::new(y, n), Epilogue::Identity);
    }

    /// y = epilogue(x·Wᵀ + b) for x `[M, K]` and y `[M, N]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn forward_with(&self, x: Rows, y: RowsMut, epilogue: Epilogue) {
        self.columns(0..self.outputs()).forward(x, y, epilogue);
    }

    /// Some columns of y alone: for threads that share a product.
    ///
    /// # Panics
    /// Unless `columns` starts at a multiple of [`PART`] and ends at a multiple of `PART` or N.
    ///
    /// ```
    /// use minilm_kernels::{Level, Rows, RowsMut, gemm::PART, linear::{Epilogue, Linear}};
    /// let linear = Linear::pack(Level::detect(), &[0.5; PART + 1], PART + 1); // K = 1
    /// let mut y = [0.0];
    /// let last = linear.columns(PART..PART + 1);
    /// last.forward(Rows::new(&[3.0], 1), RowsMut::new(&mut y, 1), Epilogue::Identity);
    /// assert_eq!(y, [1.5]);
    /// ```
    pub fn columns(&self, columns: Range<usize>) -> Columns<'_> {
        let (Range { start, end }, n) = (columns.clone(), self.outputs());
        assert!(start <= end && end <= n, "columns {columns:?} of {n}");
        assert!(
            columns.is_empty() || start.is_multiple_of(PART),
            "columns start at a multiple of {PART}: {columns:?}"
        );
        assert!(
            end == n || end.is_multiple_of(PART),
            "columns end at a multiple of {PART}: {columns:?} of {n}"
        );
        Columns { linear: self, columns }
    }
}

impl<'a> Packer<'a> {
    /// The layer with the weights `[outputs, K]`, which is packed behind those before it.
    ///
    /// # Panics
    /// As [`Linear::pack`].
    pub fn linear(&mut self, weight: impl Into<Cow<'a, [f32]>>, outputs: usize) -> Linear {
        let weights = self.place(weight.into(), outputs);
        Linear { level: self.level(), weights, bias: None }
    }
}

/// Some columns of a layer's y.
#[derive(Clone, Debug)]
pub struct Columns<'a> {
    linear: &'a Linear,
    columns: Range<usize>,
}

impl Columns<'_> {
    /// The range of the columns.
    ///
    /// ```
    /// use minilm_kernels::{Level, Linear, gemm::PART};
    /// let linear = Linear::pack(Level::detect(), &[0.5; PART + 1], PART + 1);
    /// assert_eq!(linear.columns(PART..PART + 1).range(), PART..PART + 1);
    /// ```
    pub fn range(&self) -> Range<usize> {
        self.columns.clone()
    }

    /// y = epilogue(x·Wᵀ + b) for x `[M, K]` and y `[M, columns]`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn forward(&self, x: Rows, y: RowsMut, epilogue: Epilogue) {
        self.run(x, y, epilogue, false);
    }

    /// y = epilogue(y + x·Wᵀ + b) for x `[M, K]` and y `[M, columns]`: one of several layers into
    /// which a product is cut along K.
    ///
    /// The result has the bits of the uncut product if every layer but the last has a K that is a
    /// multiple of [`KC`], the first call is [`Columns::forward`], and the last
    /// layer alone has a bias and an epilogue.
    ///
    /// # Panics
    /// If the shapes do not fit.
    ///
    /// ```
    /// use minilm_kernels::{Level, Rows, RowsMut, gemm::KC, linear::{Epilogue, Linear}};
    /// let (level, x, w) = (Level::detect(), vec![1.0; KC + 8], vec![0.5; KC + 8]);
    /// let mut whole = [0.0];
    /// Linear::pack(level, &w, 1).forward(&x, &mut whole);
    ///
    /// let [first, last] = [0..KC, KC..KC + 8].map(|k| Linear::pack(level, &w[k], 1));
    /// let mut y = [0.0];
    /// first.forward(&x[..KC], &mut y);
    /// let x = Rows::new(&x[KC..], 8);
    /// last.columns(0..1).accumulate(x, RowsMut::new(&mut y, 1), Epilogue::Identity);
    /// assert_eq!(y, whole);
    /// ```
    pub fn accumulate(&self, x: Rows, y: RowsMut, epilogue: Epilogue) {
        self.run(x, y, epilogue, true);
    }

    fn run(&self, x: Rows, y: RowsMut, epilogue: Epilogue, onto: bool) {
        let Linear { level, weights, bias } = self.linear;
        let (k, n) = (weights.inputs(), self.columns.len());
        assert_eq!(x.cols(), k, "x has {} columns, the weights {k}", x.cols());
        assert_eq!(y.cols(), n, "y has {} columns, the weights {n}", y.cols());
        assert_eq!(x.rows(), y.rows(), "x has {} rows, y {}", x.rows(), y.rows());
        if let Epilogue::Residual(r) = epilogue {
            let (residual, y) = ((r.rows(), r.cols()), (y.rows(), y.cols()));
            assert_eq!(residual, y, "the residual's shape is not y's");
        }
        let bias = bias.as_ref().map(|bias| &bias[self.columns.clone()]);
        let first = self.columns.start;
        level.run(Gemm { x, weights, first, chain: KC, bias, y, onto, epilogue });
    }
}
