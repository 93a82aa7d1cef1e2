//! Every set of integer instructions that this CPU has: a level runs its fastest, so tests of
//! levels do not reach the others.
//!
//! In the book: `docs/16-rounding.md`.

use super::{packer::QuantisedPacker, *};
use crate::{
    Rows,
    quantise::{CHUNK, Rotation},
    simd::{Kernel, Simd, proofs::*},
};

/// Products of some shapes with the instructions of `S`: integers of x, and the bits of y.
struct Products<E>(PhantomData<E>);

impl<E: Integer> Kernel for Products<E> {
    type Output = Vec<(Vec<i32>, Vec<u32>)>;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        // M, N and K: less than a tile, a whole one, more than one block, in one chunk or several
        let shapes = [(1, 1, 1), (16, 48, CHUNK), (33, 49, CHUNK + 68), (70, 100, 100)];
        shapes.map(|(m, n, k)| product::<S, E>(s, m, n, k)).to_vec()
    }
}

fn product<S: Simd, E: Integer>(s: S, m: usize, n: usize, k: usize) -> (Vec<i32>, Vec<u32>) {
    let value = |i: usize| (i * 7919 % 1013) as f32 - 300.0; // not centred: an offset would show
    let (x, w): (Vec<f32>, Vec<f32>) =
        ((0..m * k).map(value).collect(), (1..=n * k).map(value).collect());
    let level = Level::PORTABLE; // of the types; the kernels below run with `s`
    let mut packer = QuantisedPacker::<E>::new(level, Layout::<E>(PhantomData).run(s));
    let linear = packer.linear(&w, n, Rotation::Rotated);
    packer.finish().unwrap();
    let linear = linear.with_bias(&x[..1].repeat(n));
    let mut rows = QuantisedRows::default();
    rows.quantise_with(s, Rows::new(&x, k), Rotation::Rotated);
    let mut y = vec![f32::NAN; m * n];
    linear.product(0..n, &rows, RowsMut::new(&mut y, n), Epilogue::Identity, false).run(s);
    ((0..m).flat_map(|i| rows.integers(i)).collect(), y.iter().map(|y| y.to_bits()).collect())
}

/// The name of a set of instructions, and its products.
type Named = (&'static str, Vec<(Vec<i32>, Vec<u32>)>);

#[cfg(target_arch = "x86_64")]
fn of_this_cpu<E: Integer>() -> Vec<Named> {
    let products = || Products::<E>(PhantomData);
    let mut found = Vec::new();
    if let Some(avx2) = Avx2::detect() {
        found.push(("avx2", avx2.vectorize(products())));
        let vnni = AvxVnni::detect(avx2);
        found.extend(vnni.map(|vnni| ("avx-vnni", vnni.vectorize(products()))));
    }
    if let Some(avx512) = Avx512::detect() {
        found.push(("avx512", avx512.vectorize(products())));
        let vnni = Avx512Vnni::detect(avx512);
        let amx = vnni.and_then(Amx::detect);
        found.extend(vnni.map(|vnni| ("avx512 with vnni", vnni.vectorize(products()))));
        found.extend(amx.map(|amx| ("amx", amx.vectorize(products()))));
    }
    found
}

#[cfg(target_arch = "aarch64")]
fn of_this_cpu<E: Integer>() -> Vec<Named> {
    let products = || Products::<E>(PhantomData);
    let mut found = Vec::new();
    if let Some(neon) = Neon::detect() {
        found.push(("neon", neon.vectorize(products())));
        let dot_product = DotProduct::detect(neon);
        found.extend(dot_product.map(|dot| ("dot product", dot.vectorize(products()))));
    }
    found
}

fn all_are_the_same<E: Integer>() {
    let right = Level::PORTABLE.run(Products::<E>(PhantomData));
    for (name, of_proof) in of_this_cpu::<E>() {
        assert!(of_proof == right, "{name} differs");
        println!("{name} has the same bits");
    }
}

#[test]
fn every_product_of_bytes_has_the_same_bits() {
    all_are_the_same::<i8>();
}

#[test]
fn every_product_of_words_has_the_same_bits() {
    all_are_the_same::<i16>();
}
