//! The kernel's side: the filter of system calls, the handler of the signal that it sends, and
//! calls that pass the filter.
//!
//! The filter lets a call through if the instruction that makes it is the one in [`call`]: so the
//! handler can make the calls that it is asked to let through. It traps the calls of the plan's
//! kind only.

use crate::{
    calls::{File, calls},
    plan::{Kind, Plan, What},
};
use std::{
    arch::global_asm,
    env,
    ffi::{CStr, c_int, c_long, c_void},
    fs::OpenOptions,
    mem,
    os::{fd::IntoRawFd, unix::ffi::OsStrExt},
    sync::OnceLock,
};

/// What the handler needs.
struct State {
    plan: Plan,
    log: c_int,
}

static STATE: OnceLock<State> = OnceLock::new();

// number, then six arguments, as a C function; the kernel takes one register less.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl minilm_faults_call",
    ".globl minilm_faults_called",
    "minilm_faults_call:",
    "mov rax, rdi",
    "mov rdi, rsi",
    "mov rsi, rdx",
    "mov rdx, rcx",
    "mov r10, r8",
    "mov r8, r9",
    "mov r9, [rsp + 8]",
    "syscall",
    "minilm_faults_called:",
    "ret",
);
#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl minilm_faults_call",
    ".globl minilm_faults_called",
    "minilm_faults_call:",
    "mov x8, x0",
    "mov x0, x1",
    "mov x1, x2",
    "mov x2, x3",
    "mov x3, x4",
    "mov x4, x5",
    "mov x5, x6",
    "svc #0",
    "minilm_faults_called:",
    "ret",
);

unsafe extern "C" {
    fn minilm_faults_call(number: c_long, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> i64;
    /// The instruction behind the system call: the kernel tells this address to the filter.
    fn minilm_faults_called();
}

/// A system call that passes the filter; a negative result is an error number.
fn call(number: c_long, arguments: [u64; 6]) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the arguments are those that the program itself gave to the same call, or those that
    // `say` and `name_of` give, whose buffers live during the call and are as long as they say.
    unsafe { minilm_faults_call(number, a, b, c, d, e, f) }
}

/// Before `main`.
#[used]
// SAFETY: the loader calls each function in this section once; `start` has the signature it wants,
// and needs nothing but the C library, which is ready by then.
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;

extern "C" fn start() {
    let Ok(text) = env::var("MINILM_FAULT") else { return };
    let under = env::var_os("MINILM_FAULT_UNDER").unwrap_or_default();
    let Some(plan) = Plan::parse(&text, under.as_bytes().to_vec()) else {
        eprintln!("MINILM_FAULT={text} is not CALL:N:WHAT");
        std::process::exit(3);
    };
    let log = env::var_os("MINILM_FAULT_LOG").and_then(|path| {
        OpenOptions::new().create(true).append(true).open(path).ok().map(IntoRawFd::into_raw_fd)
    });
    let numbers: Vec<c_long> =
        calls().filter(|call| plan.is_about(call.1)).map(|call| call.0).collect();
    if STATE.set(State { plan, log: log.unwrap_or(-1) }).is_ok() && !trap(&numbers) {
        eprintln!("the kernel does not trap system calls here (seccomp)");
        std::process::exit(3);
    }
}

/// Installs the handler and the filter.
fn trap(numbers: &[c_long]) -> bool {
    // SAFETY: all fields of a `sigaction` are integers or pointers that may be null.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handle as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER | libc::SA_RESTART;
    // SAFETY: `action` is initialised, and `handle` has the signature that SA_SIGINFO wants.
    let handled = unsafe { libc::sigaction(libc::SIGSYS, &action, std::ptr::null_mut()) } == 0;
    let mut filter = filter(numbers);
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: this option takes integers.
    let quiet = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } == 0;
    let mode = libc::SECCOMP_MODE_FILTER;
    // SAFETY: `program` points to a filter that lives during the call, of the length it says.
    handled && quiet && unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &program) } == 0
}

/// Offsets in `seccomp_data`: the number, and the halves of the instruction's address.
const NUMBER: u32 = 0;
const ADDRESS: [u32; 2] = [8, 12];

/// The filter: our own calls pass, those with these numbers are trapped, all others pass.
fn filter(numbers: &[c_long]) -> Vec<libc::sock_filter> {
    let load = |at| libc::sock_filter { code: 0x20, jt: 0, jf: 0, k: at };
    let equal = |k, jt, jf| libc::sock_filter { code: 0x15, jt, jf, k };
    let result = |k| libc::sock_filter { code: 0x06, jt: 0, jf: 0, k };
    let own = minilm_faults_called as *const () as u64;
    let mut filter = vec![
        load(ADDRESS[0]),
        equal(own as u32, 0, 3),
        load(ADDRESS[1]),
        equal((own >> 32) as u32, 0, 1),
        result(libc::SECCOMP_RET_ALLOW),
        load(NUMBER),
    ];
    for (i, &number) in numbers.iter().enumerate() {
        filter.push(equal(number as u32, (numbers.len() - i) as u8, 0));
    }
    filter.push(result(libc::SECCOMP_RET_ALLOW));
    filter.push(result(libc::SECCOMP_RET_TRAP));
    filter
}

/// The registers of a thread at a system call.
trait Registers {
    fn number(&self) -> c_long;
    fn arguments(&self) -> [u64; 6];
    fn set_result(&mut self, result: i64);
}

#[cfg(target_arch = "x86_64")]
impl Registers for libc::ucontext_t {
    fn number(&self) -> c_long {
        self.uc_mcontext.gregs[libc::REG_RAX as usize]
    }

    fn arguments(&self) -> [u64; 6] {
        use libc::{REG_R8, REG_R9, REG_R10, REG_RDI, REG_RDX, REG_RSI};
        [REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9]
            .map(|register| self.uc_mcontext.gregs[register as usize] as u64)
    }

    fn set_result(&mut self, result: i64) {
        self.uc_mcontext.gregs[libc::REG_RAX as usize] = result;
    }
}

#[cfg(target_arch = "aarch64")]
impl Registers for libc::ucontext_t {
    fn number(&self) -> c_long {
        self.uc_mcontext.regs[8] as c_long
    }

    fn arguments(&self) -> [u64; 6] {
        std::array::from_fn(|i| self.uc_mcontext.regs[i])
    }

    fn set_result(&mut self, result: i64) {
        self.uc_mcontext.regs[0] = result as u64;
    }
}

/// Answers a trapped call. It allocates nothing and takes no lock.
extern "C" fn handle(_signal: c_int, _info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel gives a handler with SA_SIGINFO the thread's context, which it restores
    // when the handler returns; no other reference to it exists.
    let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    let (number, arguments) = (context.number(), context.arguments());
    context.set_result(answer(number, arguments));
}

fn answer(number: c_long, arguments: [u64; 6]) -> i64 {
    let found = calls().find(|call| call.0 == number);
    let (Some(state), Some(&(_, kind, file))) = (STATE.get(), found) else {
        return call(number, arguments);
    };
    let mut path = [0_u8; 1024];
    let path = name_of(file, &arguments, &mut path);
    let counts = match file {
        // Standard input and output. Standard error is left alone: it has the messages.
        File::Descriptor(0) if arguments[0] <= 1 => matches!(kind, Kind::Read | Kind::Write),
        File::Descriptor(_) => path.starts_with(&state.plan.under),
        File::Path(_) => path.starts_with(&state.plan.under) || !path.starts_with(b"/"),
    };
    // The standard library panics when a directory cannot be closed, and no file system does that.
    let counts = counts && !(kind == Kind::Close && is_directory(arguments[0]));
    let fault = if counts { state.plan.next() } else { None };
    let Some(what) = fault else { return call(number, arguments) };
    say(state.log, kind, path);
    match what {
        What::Error(error) => {
            if kind == Kind::Close {
                call(number, arguments); // as Linux does: the descriptor is gone in any case
            }
            -i64::from(error)
        }
        What::Short => call(number, shortened(number, arguments)),
        What::Kill => {
            let id = call(libc::SYS_getpid, [0; 6]) as u64;
            call(libc::SYS_kill, [id, libc::SIGKILL as u64, 0, 0, 0, 0])
        }
    }
}

/// Whether a descriptor is that of a directory.
fn is_directory(descriptor: u64) -> bool {
    let mut found = mem::MaybeUninit::<libc::stat>::zeroed();
    let result = call(libc::SYS_fstat, [descriptor, found.as_mut_ptr() as u64, 0, 0, 0, 0]);
    // SAFETY: all fields of a `stat` are integers, which may be zero, and the kernel has filled it.
    let mode = unsafe { found.assume_init_ref() }.st_mode;
    result == 0 && mode & libc::S_IFMT == libc::S_IFDIR
}

/// The arguments of a `read` or `write` for half of the bytes, or of the buffers; one remains.
fn shortened(number: c_long, mut arguments: [u64; 6]) -> [u64; 6] {
    let length = &mut arguments[if number == libc::SYS_copy_file_range { 4 } else { 2 }];
    *length = (*length / 2).max(1.min(*length));
    arguments
}

/// The name of the file of a call; empty if it has none.
fn name_of<'p>(file: File, arguments: &[u64; 6], path: &'p mut [u8]) -> &'p [u8] {
    match file {
        File::Path(at) => {
            // SAFETY: the argument is the path that the program gives to this call: a string that
            // ends with a zero, which the program does not change during the call.
            let given = unsafe { CStr::from_ptr(arguments[at] as *const _) }.to_bytes();
            let length = given.len().min(path.len());
            path[..length].copy_from_slice(&given[..length]);
            &path[..length]
        }
        File::Descriptor(at) => {
            let mut link = *b"/proc/self/fd/\0\0\0\0\0\0\0\0\0\0\0\0";
            let descriptor = arguments[at] as i32;
            if descriptor < 0 {
                return &[];
            }
            digits(descriptor as u32, &mut link[14..]);
            let (link, length) = (link.as_ptr() as u64, path.len() as u64);
            let at = libc::AT_FDCWD as i64 as u64;
            let to = path.as_mut_ptr() as u64;
            let read = call(libc::SYS_readlinkat, [at, link, to, length, 0, 0]);
            &path[..usize::try_from(read).unwrap_or(0)]
        }
    }
}

/// Writes a number and leaves the zero behind it.
fn digits(number: u32, to: &mut [u8]) {
    let mut count = 1;
    let mut rest = number / 10;
    while rest > 0 {
        count += 1;
        rest /= 10;
    }
    let mut rest = number;
    for place in to[..count].iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Writes a line to the log.
fn say(log: c_int, kind: Kind, path: &[u8]) {
    for part in [kind.name().as_bytes(), b" ", path, b"\n"] {
        let (from, length) = (part.as_ptr() as u64, part.len() as u64);
        call(libc::SYS_write, [log as u64, from, length, 0, 0, 0]);
    }
}
