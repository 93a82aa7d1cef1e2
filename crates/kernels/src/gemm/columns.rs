//! Some columns of a product, or a slice of its k: what threads share, and what comes in several
//! calls.
//!
//! In the book: `docs/08-threads.md`.

use super::{Epilogue, Gemm, KC, Linear, PART, Place};
use crate::{Rows, RowsMut};
use std::ops::Range;

impl Linear {
    /// Some columns of y alone: for threads that share a product.
    ///
    /// # Panics
    /// If the range does not start at a multiple of [`PART`], or ends past the last column, or
    /// elsewhere than at a multiple of `PART` or at the last column.
    ///
    /// ```
    /// use minilm_kernels::{Level, Rows, RowsMut, gemm::{Epilogue, Linear, PART}};
    /// let linear = Linear::pack(Level::detect(), &[0.5; PART + 1], &[1.0; PART + 1]); // N = PART + 1, K = 1
    /// let mut y = [0.0];
    /// let last = linear.columns(PART..PART + 1);
    /// last.accumulate(Rows::new(&[3.0], 1), 0..1, RowsMut::new(&mut y, 1), Epilogue::Bias);
    /// assert_eq!(y, [2.5]);
    /// ```
    pub fn columns(&self, columns: Range<usize>) -> Columns<'_> {
        let n = self.outputs();
        assert!(columns.start <= columns.end && columns.end <= n, "columns {columns:?} of {n}");
        assert!(
            columns.is_empty() || columns.start.is_multiple_of(PART),
            "columns start at a multiple of {PART}: {columns:?}"
        );
        assert!(
            columns.end == n || columns.end.is_multiple_of(PART),
            "columns end at a multiple of {PART}: {columns:?} of {n}"
        );
        Columns { linear: self, columns, next: None }
    }
}

/// Some columns of a layer's y.
#[derive(Clone, Debug)]
pub struct Columns<'a> {
    linear: &'a Linear,
    columns: Range<usize>,
    next: Option<Place<'a>>,
}

impl<'a> Columns<'a> {
    /// Which columns they are.
    ///
    /// ```
    /// use minilm_kernels::{Level, gemm::{Linear, PART}};
    /// let linear = Linear::pack(Level::detect(), &[0.5; PART + 1], &[1.0; PART + 1]);
    /// assert_eq!(linear.columns(PART..PART + 1).range(), PART..PART + 1);
    /// ```
    pub fn range(&self) -> Range<usize> {
        self.columns.clone()
    }

    /// Says which product, if any, is computed after this one: `next`, from column `k` of its x on.
    /// Its first weights are fetched on the way. The result is the same.
    ///
    /// # Panics
    /// If `next` has no column `k`, or is packed for another level.
    ///
    /// ```
    /// use minilm_kernels::{Level, Rows, RowsMut, gemm::{Epilogue, Linear}};
    /// let layers: [(&[f32], &[f32]); 2] = [(&[2.0, 3.0], &[0.5]), (&[4.0], &[1.0])];
    /// let [first, second] = &Linear::pack_together(Level::detect(), &layers)[..] else { unreachable!() };
    /// let (mut y, mut z) = ([0.0], [0.0]);
    /// let last = second.columns(0..1);
    /// first.columns(0..1).before(Some(&last), 0).accumulate(Rows::new(&[1.0, 1.0], 2), 0..2, RowsMut::new(&mut y, 1), Epilogue::Bias);
    /// last.accumulate(Rows::new(&y, 1), 0..1, RowsMut::new(&mut z, 1), Epilogue::Bias);
    /// assert_eq!(z, [23.0]);
    /// ```
    #[must_use]
    pub fn before(self, next: Option<&Columns<'a>>, k: usize) -> Columns<'a> {
        assert!(
            next.is_none_or(|next| k < next.linear.inputs()),
            "the next product has no column {k}"
        );
        assert!(
            next.is_none_or(|next| next.linear.level == self.linear.level),
            "the next product is packed for another level"
        );
        let next = next.filter(|next| !next.columns.is_empty());
        Columns {
            next: next.map(|next| Place { linear: next.linear, column: next.columns.start, k }),
            ..self
        }
    }

    /// One slice of a product whose columns of x arrive in several calls, k ascending.
    ///
    /// `x` `[M, k.len()]` are the columns `k` of the whole x. The call with `k.start == 0`
    /// overwrites y `[M, columns]`, the others add to it, and the one with `k.end == K` applies the
    /// epilogue. Slices start at multiples of [`KC`](super::KC), so the result has the same bits as
    /// one call of [`Linear::forward_with`].
    ///
    /// # Panics
    /// If the shapes do not fit, or `k` starts elsewhere.
    ///
    /// ```
    /// use minilm_kernels::{Level, Rows, RowsMut, gemm::{Epilogue, KC, Linear}};
    /// let (x, w) = (vec![1.0; KC + 8], vec![0.5; KC + 8]);
    /// let linear = Linear::pack(Level::detect(), &w, &[1.0]);
    /// let (mut whole, mut pieces) = ([0.0], [0.0]);
    /// linear.forward(&x, &mut whole);
    /// for k in [0..KC, KC..KC + 8] {
    ///     let x = Rows::new(&x, KC + 8).columns(k.clone());
    ///     linear.columns(0..1).accumulate(x, k, RowsMut::new(&mut pieces, 1), Epilogue::Bias);
    /// }
    /// assert_eq!(whole, pieces);
    /// ```
    pub fn accumulate(&self, x: Rows, k: Range<usize>, y: RowsMut, epilogue: Epilogue) {
        let (linear, n) = (self.linear, self.columns.len());
        assert!(
            k.start < k.end && k.end <= linear.inputs(),
            "a slice of the columns: {k:?} of {}",
            linear.inputs()
        );
        assert!(
            k.start.is_multiple_of(KC),
            "a slice starts where a chain does, at a multiple of {KC}: {k:?}"
        );
        assert!(
            k.end == linear.inputs() || k.end.is_multiple_of(KC),
            "a slice ends where a chain does: {k:?} of {}",
            linear.inputs()
        );
        assert_eq!(x.cols(), k.len(), "x has {} columns, the weights {}", x.cols(), k.len());
        assert_eq!(y.cols(), n, "y has {} columns, the weights {n}", y.cols());
        assert_eq!(x.rows(), y.rows(), "x has {} rows, y {}", x.rows(), y.rows());
        if let Epilogue::Residual(r) = epilogue {
            assert_eq!(
                (r.rows(), r.cols()),
                (y.rows(), y.cols()),
                "the residual's shape is not y's"
            );
        }
        let epilogue = (k.end == linear.inputs()).then_some(epilogue);
        linear.level.run(Gemm {
            x,
            linear,
            columns: self.columns.clone(),
            k,
            next: self.next,
            y,
            epilogue,
        });
    }
}
