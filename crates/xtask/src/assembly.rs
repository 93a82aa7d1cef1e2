//! Every vector operation of the kernels is inlined.
//!
//! An intrinsic is inlined only into a function that is compiled for its instruction set. A kernel
//! that is reached outside `Level::run`, or a function below it without `#[inline(always)]`, still
//! compiles, but each operation becomes a call that passes its operands through memory: right
//! results at a tenth of the speed, without a warning from the compiler.
//!
//! So no symbol of `core_arch` (the intrinsics) or of `Simd` (the vocabulary over them) may be
//! mentioned in the assembly of `minilm-kernels`, except `Simd::vectorize`, which is the entry. A
//! search for `call` instructions would not do: the address of a function that is called in a loop
//! is loaded into a register first.
//!
//! And the innermost loop of GEMM, which the book shows, still agrees with its record ([`tile`]).
//!
//! The assembly is that of the library before link-time optimisation, which inlines more and never
//! less. All kernels are in it, because the library's own functions instantiate them.
//!
//! In the book: `docs/04-simd.md`.

mod tile;

use crate::{Outcome, cargo::Workspace, files};
use std::{collections::BTreeSet, path::PathBuf};

/// Functions of `core_arch` without arithmetic, which detect the CPU's instruction sets.
const DETECTION: [&str; 3] = ["_xgetbv", "__cpuid", "has_cpuid"];

pub fn check(workspace: &Workspace) -> Outcome {
    if !cfg!(target_arch = "x86_64") {
        return Ok("skipped: it knows the assembly of x86-64 only".into());
    }
    let (file, assembly) = emitted(workspace)?;
    let kernels = symbols(&assembly)
        .filter(|symbol| symbol.contains("4Simd9vectorize3run"))
        .collect::<BTreeSet<_>>();
    if kernels.is_empty() {
        return Err(format!(
            "{} has no kernels in it: this check would find nothing",
            file.display()
        ));
    }
    let outlined: BTreeSet<&str> =
        symbols(&assembly).filter(|symbol| is_outlined(symbol)).collect();
    if outlined.is_empty() {
        let tile = tile::check(workspace, &assembly)?;
        return Ok(format!("{} kernels, counted on each level; {tile}", kernels.len()));
    }
    let list: Vec<&str> = outlined.into_iter().collect();
    Err(format!("not inlined, see {}:\n{}", file.display(), list.join("\n")))
}

/// Writes the record of the innermost loop.
pub fn update(workspace: &Workspace) -> Outcome {
    if !cfg!(target_arch = "x86_64") {
        return Err("it knows the assembly of x86-64 only".into());
    }
    tile::update(workspace, &emitted(workspace)?.1)
}

/// The assembly of the kernels, and the file that has it.
fn emitted(workspace: &Workspace) -> Result<(PathBuf, String), String> {
    // A target directory of its own: other flags in the same one would rebuild what depends on the
    // kernels.
    let target = workspace.target.join("xtask");
    let file = target.join("kernels.s");
    let (directory, emit) =
        (target.display().to_string(), format!("--emit=asm={}", file.display()));
    let build = [
        "rustc",
        "--release",
        "--package",
        "minilm-kernels",
        "--lib",
        "--target-dir",
        &directory,
        "--",
    ];
    workspace.cargo(build.iter().chain(&[emit.as_str(), "-Csymbol-mangling-version=v0"]))?;
    let assembly = files::read(&file)?;
    Ok((file, assembly))
}

/// Every mention of a Rust symbol: definitions, calls, and addresses taken.
fn symbols(assembly: &str) -> impl Iterator<Item = &str> {
    let words =
        assembly.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '$'));
    words.filter(|word| word.starts_with("_R") || word.starts_with("__R"))
}

/// A vector operation as a function of its own. In a symbol, a name follows its length.
fn is_outlined(symbol: &str) -> bool {
    let intrinsic =
        symbol.contains("9core_arch") && !DETECTION.iter().any(|name| symbol.ends_with(name));
    intrinsic || (symbol.contains("4Simd") && !symbol.contains("4Simd9vectorize"))
}

#[cfg(test)]
mod tests {
    use super::{is_outlined, symbols};

    #[test]
    fn calls_and_addresses_of_vector_operations_are_found() {
        for line in [
            "	callq	_RNvNtNtNtCsgEmfK2I1SDS_4core9core_arch3x863fma15__mm256_fmadd_ps",
            "	movq	_RNvXs_NtNtCs1_14minilm_kernels4simd4avx2NtB4_4Avx2NtB6_4Simd3add\
             @GOTPCREL(%rip), %rbp",
            "	jmp	_RNvNvXs_NtNtCs1_14minilm_kernels4simd4avx2NtB4_4Avx2NtB6_4Simd3add9operation",
        ] {
            assert_eq!(symbols(line).filter(|symbol| is_outlined(symbol)).count(), 1, "{line}");
        }
    }

    #[test]
    fn the_entry_and_detection_are_not() {
        for line in [
            "	callq	_RINvNvXs_NtNtCs1_14minilm_kernels4simd4avx2NtB4_4Avx2\
             NtB6_4Simd9vectorize3runNtNtB8_4gemm4GemmE",
            "	callq	*_RNvNtNtNtCsgEmfK2I1SDS_4core9core_arch3x865xsave7__xgetbv@GOTPCREL(%rip)",
            "	vfmadd231ps	(%rax,%rcx), %zmm1, %zmm2",
        ] {
            assert_eq!(symbols(line).filter(|symbol| is_outlined(symbol)).count(), 0, "{line}");
        }
    }
}
