//! Operations counted by running: exact counts with their reasons, and the bits of every tile.

mod support;

use minilm_kernels::{
    Level, Rows, RowsMut,
    attention::{Attention, Scratch, attention, split},
    counting::{Operations, count, count_for},
    exp::{Exp, exp_slice},
    gelu::{Gelu, gelu_slice},
    gemm::{
        KC,
        tuning::{Layer, Pack, Product, Tile, With},
    },
    layer_norm::{LayerNorm, layer_norm},
    linear::Epilogue,
    simd::LANES,
    softmax::{Softmax, softmax},
    tiles::{Avx2, Avx512, Neon, Portable, Tiles},
};
use support::{
    Random, assert_same_bits,
    linear::{FEW_SHAPES, Problem},
};

/// Vectors in a row.
const VECTORS: u64 = 24;
/// Values in a row.
const H: usize = VECTORS as usize * LANES;
/// Additions or maxima across the lanes of a vector, 16 → 8 → 4 → 2 → 1.
const TREE: u64 = 4;

/// Runs a test of one type parameter with the tiles of every instruction set.
macro_rules! with_all_tiles {
    ($test:ident($($argument:expr),*)) => {
        $test::<Avx512>($($argument),*);
        $test::<Avx2>($($argument),*);
        $test::<Portable>($($argument),*);
    };
}

/// The counts without broadcasts: a constant is broadcast once, outside of the loop.
fn counted(mut operations: Operations) -> Operations {
    operations.broadcasts = 0;
    operations
}

/// Counts that are all named.
macro_rules! operations {
    ($($field:ident: $count:expr),* $(,)?) => {{
        let mut operations = Operations::default();
        $(operations.$field = $count;)*
        operations
    }};
}

fn row() -> Vec<f32> {
    Random(1).values(H)
}

#[test]
fn exp_takes_these_operations_per_vector() {
    let expected = operations! {
        fused: VECTORS * (1 + 2 + 5 + 1 + 1), // n, r in two steps, q of degree 5, eʳ − 1, n/2
        products: VECTORS * (1 + 2),          // r², two factors 2ᵏ
        sums: VECTORS * (1 + 1 + 1 + 2),      // n, 1 + …, n once more, the rest of n
        comparisons: VECTORS * 2,             // the ends of the range
        powers: VECTORS * 2,                  // 2^⌊n/2⌉ and 2^(n−⌊n/2⌉)
        loads: VECTORS,
        stores: VECTORS,
    };
    assert_eq!(counted(count::<Avx512, _>(Exp(&mut row())).1), expected);
}

#[test]
fn gelu_takes_these_operations_per_vector() {
    let expected = operations! {
        fused: VECTORS * (1 + 1 + 6 + 1), // i, u, a polynomial of degree 6, the result
        sums: VECTORS,                    // i
        comparisons: VECTORS * (2 + 1),   // |x| and its end, max(x, 0)
        lookups: VECTORS * 7,             // the coefficients of a polynomial of degree 6
        loads: VECTORS,
        stores: VECTORS,
    };
    assert_eq!(counted(count::<Avx512, _>(Gelu(&mut row())).1), expected);
}

#[test]
fn softmax_takes_those_of_exp_and_these() {
    let mut expected = counted(count::<Avx512, _>(Exp(&mut row())).1);
    expected.comparisons += VECTORS + TREE; // the maximum
    expected.sums += VECTORS + VECTORS + TREE; // x − max, Σ
    expected.divisions = VECTORS;
    expected.loads = 3 * VECTORS; // a row is read by each of three passes
    expected.stores = 2 * VECTORS; // and written by two
    assert_eq!(counted(count::<Avx512, _>(Softmax::new(&mut row(), H)).1), expected);
}

#[test]
fn layer_norm_takes_these_operations_per_row() {
    let expected = operations! {
        fused: VECTORS * (1 + 1),           // the square, · γ + β
        products: VECTORS,                  // · 1/√
        sums: VECTORS * 3 + 2 * TREE,       // the mean, and twice x − mean
        loads: VECTORS * (3 + 2),           // x by each of three passes, γ, β
        stores: VECTORS,
    };
    let (mut x, one) = (row(), [1.0; H]);
    assert_eq!(counted(count::<Avx512, _>(LayerNorm::new(&mut x, &one, &one, 0.0)).1), expected);
}

/// One sentence through `heads` heads of width `d`.
fn attention_operations<T: Tiles>(tokens: usize, heads: usize, d: usize) -> Operations {
    let h = heads * d;
    let (qkv, mut context) = (Random(1).values(tokens * 3 * h), vec![0.0; tokens * h]);
    let (starts, mut scratch) = ([0, tokens], Scratch::default());
    let qkv = split(Rows::new(&qkv, 3 * h));
    let context = RowsMut::new(&mut context, h);
    count::<T, _>(Attention::new(qkv, heads, &starts, &mut scratch, context)).1
}

/// For each vector of scores, which are those of sixteen queries and one key.
fn attention_multiplies<T: Tiles>(tokens: usize, heads: usize, d: usize) {
    let vectors = (heads * tokens * tokens / LANES) as u64;
    let (d, of_queries) = (d as u64, (heads * tokens * d / LANES) as u64);
    let operations = attention_operations::<T>(tokens, heads, d as usize);
    // q·kᵀ and e·v, and of an exponential of what is not positive: n, r in two steps, q of degree
    // 5, eʳ − 1.
    assert_eq!(operations.fused, vectors * (2 * d + 1 + 2 + 5 + 1), "{tokens} tokens");
    // The scale, r², one factor 2ⁿ; and 1/Σ with each vector of the context.
    assert_eq!(operations.products, vectors * 3 + of_queries, "{tokens} tokens");
    // The maximum, one end of the range.
    assert_eq!((operations.comparisons, operations.powers), (vectors * 2, vectors));
    // 1/Σ of each query.
    assert_eq!(operations.divisions, (heads * tokens / LANES) as u64, "{tokens} tokens");
}

#[test]
fn attention_multiplies_twice_the_width_of_a_head_per_score_and_takes_an_exponential() {
    for tokens in [16, 32, 64, 256] {
        with_all_tiles!(attention_multiplies(tokens, 3, 32));
    }
    with_all_tiles!(attention_multiplies(48, 2, 64));
}

/// M, N and K whose rows and columns are whole tiles with every instruction set.
const WHOLE: (usize, usize, usize) = (24, 96, 2 * KC + 5);

fn product_operations<T: Tiles>(p: &Problem) -> (Vec<f32>, Operations) {
    let layer = Layer { weight: Rows::new(&p.weight, p.k), bias: &p.bias };
    let (packed, packing) = count::<T, _>(Pack { layers: &[layer], huge_pages: false });
    assert_eq!((packing.fused, packing.sums), (0, 0), "to pack is not to compute");
    let mut y = vec![f32::NAN; p.residual.len()];
    let (x, out) = (Rows::new(&p.x, p.k), RowsMut::new(&mut y, p.n));
    let ((), operations) = count::<T, _>(Product::new(x, &packed[0], KC, out, Epilogue::Identity));
    (y, operations)
}

fn a_product_loads<T: Tiles>([mr, nv]: [u64; 2]) {
    let (m, n, k) = WHOLE;
    let (_, operations) = product_operations::<T>(&Problem::random(m, n, k));
    let [m, n, k] = [m, n / LANES, k].map(|x| x as u64);
    assert_eq!(operations.fused, m * n * k, "one multiply-add per product");
    // Each step of k loads NV vectors of weights for MR·NV multiply-adds. After its chain, of which
    // there are three, a tile of y is loaded and added unless it is the first; at last b is added.
    let trips = m * n * 3;
    assert_eq!(operations.loads, m / mr * n * k + (trips - m * n) + 2 * m * n, "{mr} × {nv}");
    assert_eq!((operations.sums, operations.stores), (trips, trips + m * n), "{mr} × {nv}");
    // And it broadcasts MR values of x; the zeros with which the sums begin are counted too.
    assert!(operations.broadcasts >= m * (n / nv) * k, "{mr} × {nv}");
}

#[test]
fn a_product_loads_a_panel_per_tile_of_rows() {
    a_product_loads::<Avx512>([8, 3]);
    a_product_loads::<Avx2>([6, 1]);
    a_product_loads::<Portable>([4, 1]);
}

#[test]
fn every_tile_of_every_instruction_set_gives_the_bits_of_the_portable_product() {
    fn same<T: Tiles>(p: &Problem, (m, n, k): (usize, usize, usize)) {
        let (y, _) = product_operations::<T>(p);
        let name = format!("[{m}, {k}] · [{k}, {n}], {} registers", T::REGISTERS);
        assert_same_bits(&name, n, &y, &p.run(Level::PORTABLE, Epilogue::Identity));
    }
    for shape @ (m, n, k) in FEW_SHAPES.into_iter().chain([WHOLE]) {
        let problem = Problem::random(m, n, k);
        with_all_tiles!(same(&problem, shape));
        same::<Tile<Avx512, 12, 2, false>>(&problem, shape);
    }
}

#[test]
fn attention_with_every_tile_gives_the_bits_of_the_portable_level() {
    fn same<T: Tiles>(starts: &[usize], heads: usize, h: usize) {
        let tokens = starts[starts.len() - 1];
        let qkv = Random(tokens as u64).values(tokens * 3 * h);
        let qkv = split(Rows::new(&qkv, 3 * h));
        let mut scratch = Scratch::default();
        let [mut got, mut want] = [vec![f32::NAN; tokens * h], vec![f32::NAN; tokens * h]];
        let out = RowsMut::new(&mut got, h);
        count::<T, _>(Attention::new(qkv, heads, starts, &mut scratch, out));
        let out = RowsMut::new(&mut want, h);
        attention(Level::PORTABLE, qkv, heads, starts, &mut scratch, out);
        assert_same_bits(&format!("{starts:?}, {} registers", T::REGISTERS), h, &got, &want);
    }
    for (starts, heads, h) in
        [(&[0, 1, 18, 51][..], 2, 64), (&[0, 33], 3, 96), (&[0, KC + 1], 1, 40)]
    {
        with_all_tiles!(same(starts, heads, h));
    }
}

#[test]
fn counting_gives_the_bits_of_the_portable_level() {
    type Run = fn(&mut [f32]);
    let one = [1.0; H + 3];
    let cases: [(&str, Run, Run); 2] = [
        ("exp", |x| count::<Avx2, _>(Exp(x)).0, |x| exp_slice(Level::PORTABLE, x)),
        ("gelu", |x| count::<Avx2, _>(Gelu(x)).0, |x| gelu_slice(Level::PORTABLE, x)),
    ];
    let input = Random(3).spread(H + 3, 5.0);
    for (name, counted, portable) in cases {
        let [mut got, mut want] = [input.clone(), input.clone()];
        counted(&mut got);
        portable(&mut want);
        assert_same_bits(name, H + 3, &got, &want);
    }
    let [mut got, mut want] = [input.clone(), input.clone()];
    count::<Avx2, _>(Softmax::new(&mut got, H + 3));
    softmax(Level::PORTABLE, &mut want, H + 3);
    assert_same_bits("softmax", H + 3, &got, &want);
    let [mut got, mut want] = [input.clone(), input];
    count::<Avx2, _>(LayerNorm::new(&mut got, &one, &one, 1e-12));
    layer_norm(Level::PORTABLE, &mut want, &one, &one, 1e-12);
    assert_same_bits("layer_norm", H + 3, &got, &want);
}

#[test]
fn counts_do_not_depend_on_values() {
    let inputs = [vec![0.0; H], Random(2).spread(H, 50.0), vec![f32::INFINITY; H]];
    let counts = inputs.map(|mut x| {
        let one = [1.0; H];
        [
            count::<Avx2, _>(Exp(&mut x.clone())).1,
            count::<Avx2, _>(Gelu(&mut x.clone())).1,
            count::<Avx2, _>(Softmax::new(&mut x.clone(), H)).1,
            count::<Avx2, _>(LayerNorm::new(&mut x, &one, &one, 0.0)).1,
        ]
    });
    assert_eq!(counts[0], counts[1]);
    assert_eq!(counts[0], counts[2]);
}

#[test]
fn a_level_counts_with_its_own_tiles() {
    let of_level = |level| {
        let (qkv, mut context) = (vec![0.0; 24 * 3 * 32], vec![0.0; 24 * 32]);
        let mut scratch = Scratch::default();
        let (qkv, context) = (split(Rows::new(&qkv, 96)), RowsMut::new(&mut context, 32));
        count_for(level, Attention::new(qkv, 1, &[0, 24], &mut scratch, context)).1
    };
    for level in Level::available() {
        let expected = match level.name() {
            "avx512" => attention_operations::<Avx512>(24, 1, 32),
            "avx2" => attention_operations::<Avx2>(24, 1, 32),
            "neon" => attention_operations::<Neon>(24, 1, 32),
            _ => attention_operations::<Portable>(24, 1, 32),
        };
        assert_eq!(of_level(level), expected, "{level}");
    }
}

#[test]
#[should_panic(expected = "the layer is packed for other panels")]
fn a_layer_for_another_tile_is_refused() {
    let layer = Layer { weight: Rows::new(&[1.0; 4], 2), bias: &[0.0; 2] };
    let (packed, _) = count::<Avx512, _>(Pack { layers: &[layer], huge_pages: false });
    let (x, mut y) = ([1.0; 2], [0.0; 2]);
    let (x, out) = (Rows::new(&x, 2), RowsMut::new(&mut y, 2));
    count::<Avx2, _>(Product::new(x, &packed[0], KC, out, Epilogue::Identity));
}

#[test]
#[should_panic(expected = "the choice is for 32 registers, not 4")]
fn a_choice_for_another_instruction_set_is_refused() {
    Level::PORTABLE.run(With::<Tile<Avx512, 8, 3, true>, _>::new(Exp(&mut [0.0])));
}
