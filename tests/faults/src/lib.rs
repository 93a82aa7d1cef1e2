//! A library that is preloaded into a program and lets one of its system calls fail.
//!
//! ```text
//! before main   read the plan from the environment, ask the kernel to trap calls (seccomp)
//! a trapped call → SIGSYS → handler: the n-th of its kind on a file that counts fails as planned,
//!                                    every other one is made by the handler, and returns as usual
//! ```
//!
//! The README says how to use it.

#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
compile_error!("it needs Linux on x86-64 or AArch64, with the GNU C library");

mod calls;
mod kernel;
mod plan;
