/work/main/tests/faults/target/debug/deps/minilm_faults-041ffb65641b4d98.d: src/lib.rs src/calls.rs src/kernel.rs src/plan.rs

/work/main/tests/faults/target/debug/deps/libminilm_faults-041ffb65641b4d98.rmeta: src/lib.rs src/calls.rs src/kernel.rs src/plan.rs

src/lib.rs:
src/calls.rs:
src/kernel.rs:
src/plan.rs:
