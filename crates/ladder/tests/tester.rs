//! The tester tested: every check that the rungs pass refuses kernels with the usual mistakes.

mod check;

use check::Statistics;
use minilm_kernels::{AlignedVec, Level};
use minilm_ladder::{
    attention::{self, Batch, Scratch},
    attention_backward, exp, gelu,
    gemm::{self, Forward},
    layer_norm, softmax, weight_gradient,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Panics unless `check` does.
fn refused(name: &str, check: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(check)).is_err(), "{name} passed");
}

/// Exchanges the first row with the last, if there are two.
fn swap_rows(y: &mut [f32], cols: usize) {
    let last = y.len().saturating_sub(cols);
    if last > 0 {
        let (head, tail) = y.split_at_mut(last);
        head[..cols].swap_with_slice(tail);
    }
}

/// A mistake: it changes y `[.., N]`, and gets N.
type Mistake = fn(&mut [f32], usize);

/// The product with a mistake.
fn spoilt(weight: &[f32], k: usize, mistake: Mistake) -> Forward {
    let n = weight.len() / k;
    let right = gemm::naive::linear(Level::PORTABLE, weight, k);
    Box::new(move |x, y| {
        right(x, y);
        mistake(y, n);
    })
}

#[test]
fn wrong_rounded_products_are_refused() {
    // Products in `f32` of integers are right, too.
    check::rounded_gemm("right", |weight, k| spoilt(weight, k, |_, _| {}));
    let wrong: [(&str, Mistake); 3] = [
        ("a sum one off", |y, _| y.iter_mut().take(1).for_each(|y| *y += 1.0)),
        ("rows swapped", swap_rows),
        ("last column left out", |y, n| y.chunks_exact_mut(n).for_each(|row| row[n - 1] = 0.0)),
    ];
    for (name, mistake) in wrong {
        refused(name, || check::rounded_gemm(name, |weight, k| spoilt(weight, k, mistake)));
    }
}

#[test]
fn wrong_products_are_refused() {
    check::gemm("right", |weight, k| spoilt(weight, k, |_, _| {}));
    let wrong: [(&str, Mistake); 7] = [
        ("zeros", |y, _| y.fill(0.0)),
        ("rows swapped", swap_rows),
        ("columns shifted", |y, _| y.rotate_right(1.min(y.len()))),
        ("last column left out", |y, n| y.chunks_exact_mut(n).for_each(|row| row[n - 1] = 0.0)),
        ("last value NaN", |y, _| y.iter_mut().rev().take(1).for_each(|y| *y = f32::NAN)),
        ("one sign", |y, _| y.iter_mut().take(1).for_each(|y| *y = -*y)),
        ("last row that of the row before", |y, n| {
            let from = y.len().saturating_sub(2 * n);
            if from > 0 {
                y.copy_within(from..from + n, from + n);
            }
        }),
    ];
    for (name, mistake) in wrong {
        refused(name, || check::gemm(name, |weight, k| spoilt(weight, k, mistake)));
    }
    refused("nothing written", || check::gemm("nothing", |_, _| Box::new(|_, _| {})));
    refused("last k skipped", || {
        check::gemm("last k", |weight, k| {
            let mut weight = weight.to_vec();
            weight.chunks_exact_mut(k).for_each(|row| row[k - 1] = 0.0);
            spoilt(&weight, k, |_, _| {})
        });
    });
    refused("added to the old y", || {
        check::gemm("added", |weight, k| {
            let right = spoilt(weight, k, |_, _| {});
            Box::new(move |x, y| {
                let old = y.to_vec();
                right(x, y);
                y.iter_mut().zip(old).for_each(|(y, old)| *y += old);
            })
        });
    });
}

#[test]
fn wrong_layer_norms_are_refused() {
    type Wrong = fn(&mut [f32], &[f32], &[f32], f32);
    let right = |x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32| {
        layer_norm::three_passes::layer_norm(Level::PORTABLE, x, gamma, beta, epsilon);
    };
    let check =
        |operation: Wrong| check::layer_norm("wrong", operation, Statistics::Centred, 0.5, 1.0);
    check(right);
    let wrong: [(&str, Wrong); 6] = [
        ("zeros", |x, _, _, _| x.fill(0.0)),
        ("nothing done", |_, _, _, _| {}),
        ("rows swapped", |x, gamma, beta, epsilon| {
            layer_norm::three_passes::layer_norm(Level::PORTABLE, x, gamma, beta, epsilon);
            swap_rows(x, gamma.len());
        }),
        ("no beta", |x, gamma, beta, epsilon| {
            layer_norm::three_passes::layer_norm(
                Level::PORTABLE,
                x,
                gamma,
                &vec![0.0; beta.len()],
                epsilon,
            );
        }),
        ("last value left out", |x, gamma, beta, epsilon| {
            let kept = x[x.len() - 1];
            layer_norm::three_passes::layer_norm(Level::PORTABLE, x, gamma, beta, epsilon);
            x[gamma.len() * 3 - 1] = kept;
        }),
        ("divided by H − 1", |x, gamma, beta, epsilon| {
            let h = gamma.len() as f32;
            let gamma: Vec<f32> =
                gamma.iter().map(|gamma| gamma * ((h - 1.0) / h).sqrt()).collect();
            layer_norm::three_passes::layer_norm(Level::PORTABLE, x, &gamma, beta, epsilon);
        }),
    ];
    for (name, operation) in wrong {
        refused(name, || check(operation));
    }
    refused("moments within the bound of centred squares", || {
        let moments = |x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32| {
            layer_norm::two_passes::layer_norm(Level::PORTABLE, x, gamma, beta, epsilon);
        };
        check::layer_norm("moments", moments, Statistics::Centred, 1e4, 1.0);
    });
}

#[test]
fn wrong_softmaxes_are_refused() {
    type Wrong = fn(&mut [f32], &mut [f32]);
    fn right(x: &mut [f32], sums: &mut [f32]) {
        softmax::max_shifted::softmax(Level::PORTABLE, x, sums);
    }
    check::softmax("right", right, 5.0);
    let wrong: [(&str, Wrong); 6] = [
        ("zeros", |x, sums| {
            x.fill(0.0);
            sums.fill(1.0);
        }),
        ("nothing done", |_, _| {}),
        ("no sums", |x, sums| {
            let mut own = sums.to_vec();
            right(x, &mut own);
        }),
        ("rows swapped", |x, sums| {
            right(x, sums);
            swap_rows(x, x.len() / 3);
        }),
        ("last value not in the sum", |x, sums| {
            right(x, sums);
            let cols = x.len() / sums.len();
            let last = x.chunks_exact(cols).map(|row| row[cols - 1]);
            sums.iter_mut().zip(last).for_each(|(sum, last)| *sum -= last);
        }),
        ("one term of a thousandth off", |x, sums| {
            right(x, sums);
            x[0] *= 1.001;
        }),
    ];
    for (name, operation) in wrong {
        refused(name, || check::softmax(name, operation, 5.0));
    }
    refused("the naive one on large scores", || {
        check::softmax("naive", |x, sums| softmax::naive::softmax(Level::PORTABLE, x, sums), 200.0);
    });
}

#[test]
fn wrong_functions_of_one_variable_are_refused() {
    let level = Level::detect();
    let all = f32::NEG_INFINITY..=f32::INFINITY;
    let check = |name: &str, operation: fn(&mut [f32])| {
        refused(&format!("exp: {name}"), || check::exp(name, operation, all.clone(), 1.0));
        refused(&format!("gelu: {name}"), || check::gelu(name, operation, 1e-9, 2.0));
    };
    check("zeros", |x| x.fill(0.0));
    check("nothing done", |_| {});
    check("NaN", |x| x.fill(f32::NAN));
    refused("exp by one factor, on all floats", || {
        check::exp("reduced", |x| exp::reduced::exp(level, x), all.clone(), 1.0)
    });
    refused("exp with one constant", || {
        check::exp("reduced", |x| exp::reduced::exp(level, x), exp::ONE_FACTOR, 1.3)
    });
    refused("exp without its last value", || {
        check::exp(
            "last",
            |x| exp::library::exp(level, x.split_last_mut().expect("not empty").1),
            exp::ONE_FACTOR,
            1.3,
        );
    });
    refused("gelu by the rational formula, with the bound of an exact erf", || {
        check::gelu("rational", |x| gelu::rational::gelu(level, x), 0.0, 5.0);
    });
    refused("gelu by tanh", || {
        let tanh = |x: f32| 0.5 * x * (1.0 + (0.797_884_6 * (x + 0.044_715 * x * x * x)).tanh());
        check::gelu("tanh", |x| x.iter_mut().for_each(|x| *x = tanh(*x)), 1.5e-7, 32.5);
    });
}

#[test]
fn wrong_attentions_are_refused() {
    type Wrong = fn(&[f32], Batch, &mut [f32]);
    fn right(qkv: &[f32], batch: Batch, context: &mut [f32]) {
        attention::per_head::attention(
            Level::detect(),
            qkv,
            batch,
            &mut Scratch::default(),
            context,
        );
    }
    check::attention("right", right);
    let wrong: [(&str, Wrong); 7] = [
        ("zeros", |_, _, context| context.fill(0.0)),
        ("nothing written", |_, _, _| {}),
        ("rows swapped", |qkv, batch, context| {
            right(qkv, batch, context);
            swap_rows(context, batch.hidden);
        }),
        ("all rows one sentence", |qkv, batch, context| {
            let starts = [0, batch.starts[batch.starts.len() - 1]];
            right(qkv, Batch { starts: &starts, ..batch }, context);
        }),
        ("one head for all columns", |qkv, batch, context| {
            right(qkv, Batch { heads: 1, ..batch }, context)
        }),
        ("not scaled by 1/√D", |qkv, batch, context| {
            let root = ((batch.hidden / batch.heads) as f32).sqrt();
            let mut qkv = qkv.to_vec();
            qkv.chunks_exact_mut(3 * batch.hidden)
                .for_each(|row| row[..batch.hidden].iter_mut().for_each(|q| *q *= root));
            right(&qkv, batch, context);
        }),
        ("the mean of the values", |qkv, batch, context| {
            let mut qkv = qkv.to_vec();
            qkv.chunks_exact_mut(3 * batch.hidden).for_each(|row| row[..batch.hidden].fill(0.0));
            right(&qkv, batch, context);
        }),
    ];
    for (name, operation) in wrong {
        refused(name, || check::attention(name, operation));
    }
}

#[test]
fn wrong_gradients_of_weights_are_refused() {
    type Wrong = fn(&[f32], &[f32], usize, &mut [f32]);
    fn right(dy: &[f32], x: &[f32], k: usize, dw: &mut [f32]) {
        let scratch = &mut AlignedVec::default();
        weight_gradient::naive::weight_gradient(Level::PORTABLE, dy, x, k, scratch, dw);
    }
    check::weight_gradient("right", &right);
    let wrong: [(&str, Wrong); 6] = [
        ("zeros", |_, _, _, dw| dw.fill(0.0)),
        ("nothing added", |_, _, _, _| {}),
        ("not added to what was there", |dy, x, k, dw| {
            dw.fill(0.0);
            right(dy, x, k, dw);
        }),
        ("rows swapped", |dy, x, k, dw| {
            right(dy, x, k, dw);
            swap_rows(dw, k);
        }),
        ("last token skipped", |dy, x, k, dw| {
            let (n, last) = (dw.len() / k, (x.len() / k).saturating_sub(1));
            right(&dy[..last * n], &x[..last * k], k, dw);
        }),
        ("last column left out", |dy, x, k, dw| {
            let before = dw.to_vec();
            right(dy, x, k, dw);
            dw.iter_mut().zip(before).skip(k - 1).step_by(k).for_each(|(dw, old)| *dw = old);
        }),
    ];
    for (name, operation) in wrong {
        refused(name, || check::weight_gradient(name, &operation));
    }
}

#[test]
fn wrong_backward_passes_of_attention_are_refused() {
    type Wrong = fn(&[f32], &[f32], Batch, &mut [f32]);
    fn right(qkv: &[f32], dy: &[f32], batch: Batch, d_qkv: &mut [f32]) {
        let scratch = &mut attention_backward::Scratch::default();
        let level = Level::detect();
        attention_backward::per_head::attention_backward(level, qkv, dy, batch, scratch, d_qkv);
    }
    check::attention_backward("right", right);
    let wrong: [(&str, Wrong); 6] = [
        ("zeros", |_, _, _, d_qkv| d_qkv.fill(0.0)),
        ("nothing written", |_, _, _, _| {}),
        ("rows swapped", |qkv, dy, batch, d_qkv| {
            right(qkv, dy, batch, d_qkv);
            swap_rows(d_qkv, 3 * batch.hidden);
        }),
        ("keys and queries exchanged", |qkv, dy, batch, d_qkv| {
            right(qkv, dy, batch, d_qkv);
            for row in d_qkv.chunks_exact_mut(3 * batch.hidden) {
                let (queries, rest) = row.split_at_mut(batch.hidden);
                queries.swap_with_slice(&mut rest[..batch.hidden]);
            }
        }),
        ("of another gradient", |qkv, dy, batch, d_qkv| {
            let shifted: Vec<f32> = dy.iter().map(|dy| dy + 0.01).collect();
            right(qkv, &shifted, batch, d_qkv);
        }),
        ("a thousandth off", |qkv, dy, batch, d_qkv| {
            right(qkv, dy, batch, d_qkv);
            d_qkv.iter_mut().for_each(|d| *d *= 1.001);
        }),
    ];
    for (name, operation) in wrong {
        refused(name, || check::attention_backward(name, operation));
    }
}
