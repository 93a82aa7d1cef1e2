#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![allow(
    clippy::needless_range_loop,
    reason = "loops over i, j and k read like the formulas above them"
)]

pub mod attention;
pub mod attention_backward;
pub mod bakeoff;
pub mod exp;
pub mod gelu;
pub mod gemm;
pub mod layer_norm;
pub mod rounded_gemm;
pub mod softmax;
pub mod weight_gradient;

mod cases;
mod ladders;
mod measure;
mod report;
mod steps;
mod yardstick;

pub use cases::{Case, Unit};
pub use ladders::{LADDERS, Ladder, Work};
pub use report::{Peaks, Report, Row, Table};
pub use steps::{Operation, STEPS, Step, YARDSTICKS};

/// The code in the book is compiled and run as documentation tests.
#[cfg(doctest)]
mod book {
    macro_rules! chapters {
        ($($name:ident $file:literal)*) => {$(
            #[doc = include_str!(concat!("../../../docs/", $file, ".md"))]
            struct $name;
        )*};
    }
    chapters! {
        Model "01-model"
        Memory "02-memory"
        Gemm "03-gemm"
        Simd "04-simd"
        Functions "05-functions"
        Attention "06-attention"
        SameBits "07-same-bits"
        Threads "08-threads"
        Testing "09-testing"
        Speed "10-speed"
        Training "14-training"
    }
}
