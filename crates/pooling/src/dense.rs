//! `sentence_transformers.models.Dense`: a linear layer behind the pooling.
//!
//! ```text
//! y = f(W·x + b)            f: identity, tanh, …
//! y = f(W·x + b) + R·x      with a residual; R is the identity if x and y have the same width
//! ```
//!
//! The product is that of the encoder, with its arithmetic: the same bits on every level. The
//! activations are computed in `f64` in plain Rust, value by value, and rounded once.
//!
//! In the book: `docs/13-directories.md`.

use minilm_kernels::Linear;

/// f, a class of `torch.nn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// x
    Identity,
    /// tanh x
    Tanh,
    /// x·Φ(x), the exact form
    Gelu,
    /// max(x, 0)
    Relu,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// x / (1 + e⁻ˣ)
    Silu,
}

impl Activation {
    /// All of them.
    pub const ALL: &'static [Activation] = &[
        Activation::Identity,
        Activation::Tanh,
        Activation::Gelu,
        Activation::Relu,
        Activation::Sigmoid,
        Activation::Silu,
    ];

    /// The class in `torch.nn`.
    ///
    /// ```
    /// assert_eq!(minilm_pooling::Activation::Relu.name(), "ReLU");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Activation::Identity => "Identity",
            Activation::Tanh => "Tanh",
            Activation::Gelu => "GELU",
            Activation::Relu => "ReLU",
            Activation::Sigmoid => "Sigmoid",
            Activation::Silu => "SiLU",
        }
    }

    /// f(x)
    ///
    /// ```
    /// use minilm_pooling::Activation;
    /// assert_eq!(Activation::Sigmoid.of(0.0), 0.5);
    /// assert_eq!(Activation::Tanh.of(1.0), 0.761_594_2);
    /// ```
    pub fn of(self, x: f32) -> f32 {
        let wide = f64::from(x);
        let logistic = || 1.0 / (1.0 + libm::exp(-wide));
        let y = match self {
            Activation::Identity => wide,
            Activation::Tanh => libm::tanh(wide),
            Activation::Gelu => 0.5 * wide * libm::erfc(-wide * std::f64::consts::FRAC_1_SQRT_2),
            Activation::Relu => wide.max(0.0),
            Activation::Sigmoid => logistic(),
            Activation::Silu => wide * logistic(),
        };
        y as f32
    }
}

/// The term that is added to f(W·x + b).
#[derive(Debug, Clone)]
enum Residual {
    None,
    Input,
    Projected(Linear),
}

/// A linear layer with an activation.
///
/// ```
/// use minilm_kernels::{Level, Linear};
/// use minilm_pooling::{Activation, Dense};
/// let linear = Linear::pack(Level::detect(), &[1.0, -1.0], 1).with_bias(&[0.5]); // W [1, 2]
/// let dense = Dense::new(linear, Activation::Relu);
/// let mut y = [0.0];
/// dense.forward(&[3.0, 1.0], &mut y);
/// assert_eq!(y, [2.5]);
/// ```
#[derive(Debug, Clone)]
pub struct Dense {
    linear: Linear,
    activation: Activation,
    residual: Residual,
}

impl Dense {
    /// y = f(W·x + b)
    pub fn new(linear: Linear, activation: Activation) -> Dense {
        Dense { linear, activation, residual: Residual::None }
    }

    /// y = f(W·x + b) + R·x; without R, x itself is added.
    ///
    /// ```
    /// use minilm_kernels::{Level, Linear};
    /// use minilm_pooling::{Activation, Dense};
    /// let linear = Linear::pack(Level::detect(), &[2.0], 1);
    /// let dense = Dense::new(linear, Activation::Identity).with_residual(None);
    /// let mut y = [0.0];
    /// dense.forward(&[5.0], &mut y);
    /// assert_eq!(y, [15.0]);
    /// ```
    ///
    /// # Panics
    /// If R has another shape than W, or x and y have another width and there is no R.
    #[must_use]
    pub fn with_residual(self, projection: Option<Linear>) -> Dense {
        let shape = (self.inputs(), self.outputs());
        let residual = match projection {
            Some(linear) => {
                assert_eq!((linear.inputs(), linear.outputs()), shape, "R's shape is not W's");
                Residual::Projected(linear)
            }
            None => {
                assert_eq!(shape.0, shape.1, "x has another width than y");
                Residual::Input
            }
        };
        Dense { residual, ..self }
    }

    /// Width of x.
    pub fn inputs(&self) -> usize {
        self.linear.inputs()
    }

    /// Width of y.
    pub fn outputs(&self) -> usize {
        self.linear.outputs()
    }

    /// f
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The settings that a fingerprint needs beside the weights.
    ///
    /// ```
    /// use minilm_kernels::{Level, Linear};
    /// use minilm_pooling::{Activation, Dense};
    /// let dense = Dense::new(Linear::pack(Level::detect(), &[2.0], 1), Activation::Tanh);
    /// assert_eq!(dense.description(), "1 to 1, Tanh, bias false, residual false");
    /// ```
    pub fn description(&self) -> String {
        format!(
            "{} to {}, {}, bias {}, residual {}",
            self.inputs(),
            self.outputs(),
            self.activation.name(),
            self.linear.bias().is_some(),
            !matches!(self.residual, Residual::None)
        )
    }

    /// y `[outputs]` of x `[inputs]`.
    ///
    /// # Panics
    /// If the lengths do not fit.
    pub fn forward(&self, x: &[f32], y: &mut [f32]) {
        self.linear.forward(x, y);
        y.iter_mut().for_each(|y| *y = self.activation.of(*y));
        let add = |y: &mut [f32], r: &[f32]| y.iter_mut().zip(r).for_each(|(y, r)| *y += r);
        match &self.residual {
            Residual::None => {}
            Residual::Input => add(y, x),
            Residual::Projected(linear) => {
                let mut r = vec![0.0; y.len()];
                linear.forward(x, &mut r);
                add(y, &r);
            }
        }
    }
}
