//! Instruction sets that compute as another one does, but for something.
//!
//! In the book: `docs/04-simd.md`.

/// Methods of [`Simd`](super::Simd) and [`Integers`](super::Integers) that are those of the field
/// `$inner`.
macro_rules! forward {
    ($inner:tt: $S:ty; $($name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $type),*) -> $result {
            self.$inner.$name($($arg),*)
        }
    )*};
    (floats of $inner:tt: $S:ty) => {
        const ROUNDS: bool = <$S as Simd>::ROUNDS;

        forward! { $inner: $S;
            splat(x: f32) -> <$S as Simd>::F32x16;
            load(from: &[f32; LANES]) -> <$S as Simd>::F32x16;
            store(v: <$S as Simd>::F32x16, to: &mut [f32; LANES]) -> ();
            add(a: <$S as Simd>::F32x16, b: <$S as Simd>::F32x16) -> <$S as Simd>::F32x16;
            sub(a: <$S as Simd>::F32x16, b: <$S as Simd>::F32x16) -> <$S as Simd>::F32x16;
            mul(a: <$S as Simd>::F32x16, b: <$S as Simd>::F32x16) -> <$S as Simd>::F32x16;
            div(a: <$S as Simd>::F32x16, b: <$S as Simd>::F32x16) -> <$S as Simd>::F32x16;
            mul_add(
                a: <$S as Simd>::F32x16, b: <$S as Simd>::F32x16, c: <$S as Simd>::F32x16
            ) -> <$S as Simd>::F32x16;
            max(a: <$S as Simd>::F32x16, b: <$S as Simd>::F32x16) -> <$S as Simd>::F32x16;
            min(a: <$S as Simd>::F32x16, b: <$S as Simd>::F32x16) -> <$S as Simd>::F32x16;
            abs(a: <$S as Simd>::F32x16) -> <$S as Simd>::F32x16;
            exp2_int(n: <$S as Simd>::F32x16) -> <$S as Simd>::F32x16;
            lookup(table: &[f32; LANES], i: <$S as Simd>::F32x16) -> <$S as Simd>::F32x16;
            interleave(
                a: <$S as Simd>::F32x16, b: <$S as Simd>::F32x16
            ) -> [<$S as Simd>::F32x16; 2];
            fold(
                v: <$S as Simd>::F32x16,
                f: impl Fn(<$S as Simd>::F32x16, <$S as Simd>::F32x16) -> <$S as Simd>::F32x16
            ) -> f32;
        }
    };
    (integers of $inner:tt: $S:ty) => {
        forward! { $inner: $S;
            load_s16(from: &[i16; 2 * LANES]) -> <$S as Integers>::I32x16;
            load_bytes(from: &[i8; LANES]) -> <$S as Integers>::I32x16;
            load_i32(from: &[i32; LANES]) -> <$S as Integers>::I32x16;
            splat_word(word: u32) -> <$S as Integers>::I32x16;
            round(v: <$S as Integers>::Floats) -> <$S as Integers>::I32x16;
            to_f32(v: <$S as Integers>::I32x16) -> <$S as Integers>::Floats;
            larger(
                a: <$S as Integers>::Floats, b: <$S as Integers>::Floats
            ) -> <$S as Integers>::Floats;
            store_s16(q: <$S as Integers>::I32x16, to: &mut [u32]) -> ();
            add_s16(
                a: <$S as Integers>::I32x16, b: <$S as Integers>::I32x16
            ) -> <$S as Integers>::I32x16;
            sub_i32(
                a: <$S as Integers>::I32x16, b: <$S as Integers>::I32x16
            ) -> <$S as Integers>::I32x16;
        }
    };
    (products of $inner:tt: $S:ty) => {
        const GROUP: usize = <$S as Integers>::GROUP;
        const OFFSET: i32 = <$S as Integers>::OFFSET;
        const WINOGRAD: bool = <$S as Integers>::WINOGRAD;

        #[inline(always)]
        fn s8_blocks(panel: &[i8]) -> &[Self::S8] {
            <$S as Integers>::s8_blocks(panel)
        }

        forward! { $inner: $S;
            load_s8(from: &<$S as Integers>::S8) -> <$S as Integers>::I32x16;
            dot_s8(
                sums: <$S as Integers>::I32x16,
                x: <$S as Integers>::I32x16,
                w: <$S as Integers>::I32x16
            ) -> <$S as Integers>::I32x16;
            dot_s16(
                sums: <$S as Integers>::I32x16,
                x: <$S as Integers>::I32x16,
                w: <$S as Integers>::I32x16
            ) -> <$S as Integers>::I32x16;
            store_s8(q: <$S as Integers>::I32x16, to: &mut [u32]) -> ();
        }
    };
}
pub(crate) use forward;

/// A second proof over `$inner`, which is a level or a second proof of the level `$level`.
#[cfg(not(target_family = "wasm"))]
macro_rules! second_proof {
    ($name:ident over $level:ident, $features:literal, $detected:ident: $feature:tt) => {
        impl $name {
            /// The proof, if the CPU of the level has the instructions as well.
            pub(crate) fn detect(level: $level) -> Option<$name> {
                std::arch::$detected!($feature).then_some($name(level))
            }
        }

        second_proof!(level $name over $level of $level, $features);
    };
    (level $name:ident over $inner:ident of $level:ident, $features:literal) => {
        impl Sealed for $name {}

        impl Simd for $name {
            type F32x16 = <$inner as Simd>::F32x16;
            type Tiles = tiles::$level;

            forward! { floats of 0: $inner }

            #[inline(always)]
            fn prefetch<T>(self, at: &T) {
                self.0.prefetch(at);
            }

            #[inline(always)]
            fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
                #[inline(never)] // as in the level itself
                #[target_feature(enable = $features)]
                fn run<K: Kernel>(isa: $name, kernel: K) -> K::Output {
                    kernel.run(isa)
                }
                // SAFETY: `self` exists only where `detect` found the level and the instructions.
                unsafe { run(self, kernel) }
            }
        }
    };
}
#[cfg(not(target_family = "wasm"))]
pub(crate) use second_proof;
