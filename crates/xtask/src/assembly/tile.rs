//! The innermost loop of GEMM on AVX-512, as the compiler emits it: the book shows it, and counts
//! its instructions.
//!
//! It is the loop with the most multiply-adds, and no loop inside. The record has its lines and the
//! compiler's version. The numbers of multiply-adds, loads, stores, broadcasts and prefetches
//! follow from the source, so they must be those of the record with every compiler. The other
//! instructions, and the registers, are the compiler's choice, and are compared with the same
//! compiler only.

use crate::{
    Outcome,
    cargo::{Workspace, text},
    files, machine,
};
use minilm_book::Kind;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The path of the record, from the root.
const RECORD: &str = "benches/record/tile.json";

/// Compares with the record.
pub fn check(workspace: &Workspace, assembly: &str) -> Outcome {
    let record = files::read_json(&workspace.root.join(RECORD))?;
    compare(&record, &innermost(assembly)?, &machine::rustc(workspace)?)
}

/// Writes the record.
pub fn update(workspace: &Workspace, assembly: &str) -> Outcome {
    let lines = innermost(assembly)?;
    files::write_json(
        &workspace.root.join(RECORD),
        &json!({ "rustc": machine::rustc(workspace)?, "loop": lines }),
    )?;
    Ok(format!("{} lines in {RECORD}; `cargo xtask report` puts them into the book", lines.len()))
}

fn compare(record: &Value, lines: &[String], rustc: &str) -> Outcome {
    let recorded = record["loop"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let (recorded, found) = (Kind::count(recorded), Kind::count(lines.iter().map(String::as_str)));
    let same = if text(record, "rustc") == rustc {
        recorded == found
    } else {
        recorded[..5] == found[..5]
    };
    if same {
        return Ok(format!("{} multiply-adds in the innermost loop", found[0]));
    }
    let list: Vec<String> =
        (0..7).map(|i| format!("  {:?}: {} → {}", Kind::ALL[i], recorded[i], found[i])).collect();
    Err(format!(
        "the innermost loop of GEMM is not that of {RECORD}:\n{}\n\
         If it is better: cargo xtask assembly",
        list.join("\n")
    ))
}

/// The innermost loop with the most multiply-adds in GEMM's function for AVX-512. Its labels are
/// called `again` (the first), `on`, `on2` and so on; a jump elsewhere is one to `…`.
fn innermost(assembly: &str) -> Result<Vec<String>, String> {
    let functions = functions(assembly);
    let mut best: Option<&[&str]> = None;
    for function in &functions {
        let mut labels = HashMap::new();
        let mut newest = 0; // no loop that begins before has no loop inside
        for (at, line) in function.iter().enumerate() {
            if let Some(label) = line.strip_suffix(':') {
                labels.insert(label, at);
            }
            let Some(&start) = jump(line).and_then(|target| labels.get(target)) else { continue };
            let body = &function[start..=at];
            let multiply_adds = |body: &[&str]| Kind::count(body.iter().copied())[0];
            if start >= newest && best.is_none_or(|best| multiply_adds(body) > multiply_adds(best))
            {
                best = Some(body);
            }
            newest = newest.max(start + 1);
        }
    }
    let body = best
        .ok_or("there is no loop in GEMM's function for AVX-512: this check would find nothing")?;
    Ok(body.iter().map(|line| renamed(line, body)).collect())
}

/// The lines of GEMM's functions for AVX-512, without directives.
fn functions(assembly: &str) -> Vec<Vec<&str>> {
    let mut found: Vec<Vec<&str>> = Vec::new();
    let mut inside = false;
    for line in assembly.lines() {
        if let Some(symbol) = line.strip_suffix(':').filter(|symbol| symbol.starts_with("_R")) {
            inside = ["6avx512", "4Simd9vectorize3run", "4gemm4Gemm"]
                .iter()
                .all(|part| symbol.contains(part));
            if inside {
                found.push(Vec::new());
            }
        }
        let line = line.trim();
        let directive = line.starts_with('.') && !line.ends_with(':')
            || line.is_empty()
            || line.starts_with('#');
        if let (true, false, Some(function)) = (inside, directive, found.last_mut()) {
            function.push(line);
        }
    }
    found
}

/// The target of a jump.
fn jump(line: &str) -> Option<&str> {
    let (name, target) = line.split_once(char::is_whitespace)?;
    name.starts_with('j').then(|| target.trim())
}

fn renamed(line: &str, body: &[&str]) -> String {
    let name = |label: &str| match body
        .iter()
        .filter_map(|line| line.strip_suffix(':'))
        .position(|other| other == label)
    {
        None => "…".to_owned(),
        Some(0) => "again".to_owned(),
        Some(1) => "on".to_owned(),
        Some(nth) => format!("on{nth}"),
    };
    match (line.strip_suffix(':'), jump(line)) {
        (Some(label), _) => format!("{}:", name(label)),
        (_, Some(target)) => line.replace(target, &name(target)),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASSEMBLY: &str = "\
_RINvNvXs_6avx512NtB7_6Avx512_4Simd9vectorize3runNtNtBb_4gemm4GemmEBb_:
.LBB1_1:
	.p2align	4
.LBB1_2:
	cmpq	%r9, %rax
	jae	.LBB1_3
	prefetcht1	(%rbx,%rcx)
.LBB1_3:
	vmovups	64(%rdx), %zmm1
	vbroadcastss	(%r11,%rax,4), %zmm2
	vfmadd231ps	%zmm1, %zmm2, %zmm3
	addq	$192, %rcx
	jne	.LBB1_2
	vmovups	%zmm3, (%rdx)
	vfmadd231ps	%zmm1, %zmm2, %zmm3
	je	.LBB1_9
	jmp	.LBB1_1
_RNv_other:
.LBB2_1:
	vfmadd231ps	%zmm1, %zmm2, %zmm3
	vfmadd231ps	%zmm1, %zmm2, %zmm3
	jne	.LBB2_1
";

    #[test]
    fn the_innermost_loop_is_found_and_its_labels_are_words() {
        let lines = innermost(ASSEMBLY).unwrap();
        assert_eq!(
            lines[..5],
            ["again:", "cmpq	%r9, %rax", "jae	on", "prefetcht1	(%rbx,%rcx)", "on:"]
        );
        assert_eq!(lines.last().unwrap(), "jne	again");
        assert_eq!(Kind::count(lines.iter().map(String::as_str)), [1, 1, 0, 1, 1, 3, 1]);
        assert!(innermost("_RNv_other:\n").unwrap_err().contains("no loop"));
    }

    #[test]
    fn a_loop_with_another_load_is_not_that_of_the_record() {
        let lines = innermost(ASSEMBLY).unwrap();
        let record = json!({ "rustc": "1", "loop": lines });
        assert_eq!(
            compare(&record, &lines, "1").as_deref(),
            Ok("1 multiply-adds in the innermost loop")
        );
        let with = |line: &str| [&lines[..], &[line.to_owned()]].concat();
        assert!(
            compare(&record, &with("vmovups	(%rdx), %zmm4"), "2")
                .unwrap_err()
                .contains("Load: 1 → 2")
        );
        assert!(compare(&record, &with("incq	%rax"), "1").unwrap_err().contains("Other: 1 → 2"));
        assert!(
            compare(&record, &with("incq	%rax"), "2").is_ok(),
            "another compiler counts otherwise"
        );
    }
}
