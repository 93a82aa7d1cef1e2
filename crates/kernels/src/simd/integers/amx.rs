//! Products of bytes in matrix registers: AMX.
//!
//! ```text
//! a tile register         sixteen rows of 64 bytes
//! x     [16 rows, 64 k]         one row of x a row
//! W     [16 words, 16 columns]  the words of a panel: four k of each column
//! sums  [16 rows, 16 columns]   i32
//! tdpbusd   sums += x·W         16 · 16 · 64 products in sixteen cycles
//! ```
//!
//! A block is 32 rows by three vectors of columns: six tiles of sums, one of x and one of weights.
//! Operands have the form of VNNI, so a panel serves both.
//!
//! Linux gives a process the state of the registers when it asks. A thread that signals interrupt
//! on a stack of its own then needs one of 11 KiB.
//!
//! Rust has no stable intrinsics for these instructions, so they are assembly.
//!
//! Reference: *Intel 64 and IA-32 Architectures Software Developer's Manual*, volume 1, chapter 18,
//! and volume 2, `TDPBUSD`.
//!
//! In the book: `docs/16-rounding.md`.

use super::{BLOCK_ROWS, BLOCK_VECTORS, BLOCK_WORDS, Integers, vnni::Avx512Vnni};
use crate::{
    simd::{Kernel, LANES, Simd, forward, second_proof},
    tiles::{self, sealed::Sealed},
};
use std::{
    arch::{asm, x86_64::*},
    marker::PhantomData,
    sync::OnceLock,
};

/// Proof that a CPU with AVX-512 and VNNI has AMX for bytes, and that the system lets the process
/// use it.
#[derive(Clone, Copy)]
pub(crate) struct Amx(Avx512Vnni);

impl Amx {
    /// The proof, if the CPU has the instructions as well.
    pub(crate) fn detect(level: Avx512Vnni) -> Option<Amx> {
        static ALLOWED: OnceLock<bool> = OnceLock::new();
        ALLOWED.get_or_init(|| has_amx() && ask()).then_some(Amx(level))
    }
}

/// Whether the CPU has matrix registers and multiplies bytes in them.
fn has_amx() -> bool {
    #[allow(unused_unsafe, reason = "newer versions of Rust have a safe function")]
    // SAFETY: a CPU with AVX-512 has the instruction `cpuid`.
    let leaf = unsafe { __cpuid_count(7, 0) };
    let [tile, int8] = [24, 25];
    leaf.edx >> tile & leaf.edx >> int8 & 1 == 1
}

/// Asks Linux for the state of the registers: `arch_prctl(ARCH_REQ_XCOMP_PERM, XTILEDATA)`.
#[cfg(target_os = "linux")]
fn ask() -> bool {
    const ARCH_PRCTL: isize = 158;
    const ARCH_REQ_XCOMP_PERM: isize = 0x1023;
    const XTILEDATA: isize = 18;
    let mut result = ARCH_PRCTL;
    // SAFETY: the call takes two numbers and touches no memory; `syscall` overwrites the registers
    // that are named.
    unsafe {
        asm!("syscall", inout("rax") result, in("rdi") ARCH_REQ_XCOMP_PERM, in("rsi") XTILEDATA,
            out("rcx") _, out("r11") _, options(nostack));
    }
    result == 0
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
fn ask() -> bool {
    false
}

second_proof!(level Amx over Avx512Vnni of Avx512, "avx512f,avx512bw,avx512vnni");

impl Integers for Amx {
    type Floats = <Avx512Vnni as Integers>::Floats;
    type I32x16 = <Avx512Vnni as Integers>::I32x16;
    type S8 = <Avx512Vnni as Integers>::S8;

    const WHOLE: [usize; 2] = [16, 64];

    forward! { integers of 0: Avx512Vnni }
    forward! { products of 0: Avx512Vnni }

    #[inline(always)]
    fn matrix_registers(self) -> Option<MatrixRegisters> {
        Some(MatrixRegisters::new(self))
    }

    #[inline(always)]
    fn bytes(blocks: &[Self::S8]) -> &[i8] {
        blocks.as_flattened()
    }
}

/// The shapes of the tile registers, as `ldtilecfg` reads them.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Eight registers of sixteen rows with 64 bytes each.
static SHAPES: Shapes = Shapes {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// The matrix registers of this thread, in use until the value is dropped: six tiles of sums, one
/// of x, one of weights.
#[derive(Debug)]
pub struct MatrixRegisters(PhantomData<*const ()>); // the registers are those of a thread

/// Bytes from one word of weights to the next: three vectors.
const WORD: usize = BLOCK_VECTORS * 64;

impl MatrixRegisters {
    fn new(_: Amx) -> MatrixRegisters {
        // SAFETY: `Amx` exists only where the CPU has the instruction and the system allows it;
        // `SHAPES` is 64 bytes long.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SHAPES, options(nostack, readonly)) };
        MatrixRegisters(PhantomData)
    }

    /// Starts a block: every row of sums is `starts`.
    #[inline(always)]
    pub(crate) fn start(&self, starts: &[[i32; LANES]; BLOCK_VECTORS]) {
        // SAFETY: the registers are configured, as `self` exists. Rows that are zero bytes apart
        // are the same sixteen sums, and there are three such.
        unsafe {
            asm!(
                "tileloadd tmm0, [{starts} + {zero}]",
                "tileloadd tmm1, [{starts} + {zero} + 64]",
                "tileloadd tmm2, [{starts} + {zero} + 128]",
                "tileloadd tmm3, [{starts} + {zero}]",
                "tileloadd tmm4, [{starts} + {zero} + 64]",
                "tileloadd tmm5, [{starts} + {zero} + 128]",
                starts = in(reg) starts,
                zero = in(reg) 0_usize,
                out("tmm0") _, out("tmm1") _, out("tmm2") _,
                out("tmm3") _, out("tmm4") _, out("tmm5") _,
                options(nostack, readonly, preserves_flags),
            );
        }
    }

    /// sums += x·W for sixteen words of `x`, which holds 16 or 32 rows of `stride` words, from word
    /// `first` on. `weights` has sixteen words of three vectors.
    ///
    /// # Panics
    /// If `x` has not as many rows, or they have not as many words.
    #[inline(always)]
    pub(crate) fn step(
        &self,
        x: &[u32],
        stride: usize,
        first: usize,
        weights: &[i8; BLOCK_WORDS * WORD],
    ) {
        let (upper, lower) = x.split_at(BLOCK_ROWS / 2 * stride);
        let whole = lower.is_empty() || lower.len() == upper.len();
        assert!(whole && first + BLOCK_WORDS <= stride, "x has whole tiles of whole rows");
        // SAFETY: the registers are configured, as `self` exists. A tile reads 64 bytes of sixteen
        // rows: of `upper`, which is sixteen rows of `stride` words, from word `first` on, and the
        // row ends no earlier; and of `weights`, which has sixteen rows of three times 64 bytes.
        unsafe {
            asm!(
                "tileloadd tmm6, [{x} + {row}]",
                "tileloadd tmm7, [{weights} + {word}]",
                "tdpbusd tmm0, tmm6, tmm7",
                "tileloadd tmm7, [{weights} + {word} + 64]",
                "tdpbusd tmm1, tmm6, tmm7",
                "tileloadd tmm7, [{weights} + {word} + 128]",
                "tdpbusd tmm2, tmm6, tmm7",
                x = in(reg) &raw const upper[first],
                row = in(reg) 4 * stride,
                weights = in(reg) weights,
                word = in(reg) WORD,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm6") _, out("tmm7") _,
                options(nostack, readonly, preserves_flags),
            );
        }
        if !lower.is_empty() {
            // SAFETY: as above, with `lower`, which is as long. The last weights are in `tmm7`.
            unsafe {
                asm!(
                    "tileloadd tmm6, [{x} + {row}]",
                    "tdpbusd tmm5, tmm6, tmm7",
                    "tileloadd tmm7, [{weights} + {word} + 64]",
                    "tdpbusd tmm4, tmm6, tmm7",
                    "tileloadd tmm7, [{weights} + {word}]",
                    "tdpbusd tmm3, tmm6, tmm7",
                    x = in(reg) &raw const lower[first],
                    row = in(reg) 4 * stride,
                    weights = in(reg) weights,
                    word = in(reg) WORD,
                    out("tmm3") _, out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack, readonly, preserves_flags),
                );
            }
        }
    }

    /// Writes the sums of the block.
    #[inline(always)]
    pub(crate) fn store(&self, sums: &mut [[[i32; LANES]; BLOCK_VECTORS]; BLOCK_ROWS]) {
        // SAFETY: the registers are configured, as `self` exists. A tile is sixteen rows of 64
        // bytes, and `sums` is twice as many rows of three such.
        unsafe {
            asm!(
                "tilestored [{sums} + {word}], tmm0",
                "tilestored [{sums} + {word} + 64], tmm1",
                "tilestored [{sums} + {word} + 128], tmm2",
                "tilestored [{sums} + {word} + 16 * 192], tmm3",
                "tilestored [{sums} + {word} + 16 * 192 + 64], tmm4",
                "tilestored [{sums} + {word} + 16 * 192 + 128], tmm5",
                sums = in(reg) sums,
                word = in(reg) WORD,
                options(nostack, preserves_flags),
            );
        }
    }

    /// As many products as fit in the registers, `turns` times, without a way to memory: what
    /// [`crate::peak::integers`] measures. Returns the number of integer operations.
    #[inline(always)]
    pub(crate) fn peak(&self, turns: usize) -> usize {
        for _ in 0..turns {
            // SAFETY: the registers are configured, as `self` exists.
            unsafe {
                asm!(
                    "tdpbusd tmm0, tmm6, tmm7",
                    "tdpbusd tmm1, tmm6, tmm7",
                    "tdpbusd tmm2, tmm6, tmm7",
                    "tdpbusd tmm3, tmm6, tmm7",
                    "tdpbusd tmm4, tmm6, tmm7",
                    "tdpbusd tmm5, tmm6, tmm7",
                    out("tmm0") _, out("tmm1") _, out("tmm2") _,
                    out("tmm3") _, out("tmm4") _, out("tmm5") _,
                    options(nostack, nomem, preserves_flags),
                );
            }
        }
        turns * BLOCK_ROWS * BLOCK_VECTORS * LANES * 64 * 2
    }
}

impl Drop for MatrixRegisters {
    fn drop(&mut self) {
        // SAFETY: the registers are configured, as `self` exists, and it is dropped in its thread.
        unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
    }
}
