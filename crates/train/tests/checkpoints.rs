//! Checkpoints: runs that go on from them, and what is refused.

mod runs;

use minilm_train::{Error, Setup, Trainer};
use runs::*;
use std::fs;

#[test]
fn a_run_that_is_resumed_at_any_step_gives_the_same_bits() {
    let room = Room::new(&Tiny::new().with_modules());
    let with = |name: &str| {
        let mut setup = room.setup(name);
        setup.arguments.gradient_accumulation_steps = 2; // two steps per epoch
        setup.arguments.num_train_epochs = 3.0;
        setup.arguments.keep = 0.1;
        setup
    };
    let expected = whole(with("whole"));
    for stop in 0..=6 {
        let name = format!("stopped-{stop}");
        let mut trainer = Trainer::new(with(&name)).expect("a run");
        for event in trainer.by_ref().take(stop) {
            event.expect("a step");
        }
        trainer.checkpoint().expect("a checkpoint");
        drop(trainer);
        let output = with(&name).output;
        let mut trainer = Trainer::resume(with(&name)).expect("it goes on");
        assert_eq!(trainer.step(), stop);
        run(&mut trainer).expect("it trains");
        trainer.finish().expect("a model");
        assert!(weights(&output) == expected, "stopped after step {stop}");
    }
}

#[test]
fn what_a_killed_run_has_left_does_not_hinder_the_next() {
    let room = Room::new(&Tiny::new().with_modules());
    let expected = whole(room.setup("whole"));
    let setup = room.setup("killed");
    let unfinished = setup.output.join(".checkpoint-2.AbC123.tmp");
    fs::create_dir_all(&unfinished).expect("a folder");
    fs::write(unfinished.join("model.safetensors"), "a part").expect("a file");
    assert!(whole(setup.clone()) == expected);
    assert!(!unfinished.exists());

    // Beside the directory, when a model without checkpoints was being written.
    let setup = room.setup("killed-at-the-end");
    let unfinished = room.folder.path().join(".killed-at-the-end.AbC123.tmp");
    fs::create_dir_all(&unfinished).expect("a folder");
    assert!(whole(setup) == expected);
    assert!(!unfinished.exists());
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let room = Room::new(&Tiny::new().with_modules());
    let begin = || {
        let mut trainer = Trainer::new(room.setup("model")).expect("a run");
        trainer.next().expect("a step").expect("a step");
        trainer.checkpoint().expect("a checkpoint")
    };
    let path = begin();
    let refused = |setup: Setup| match Trainer::resume(setup) {
        Err(Error::Checkpoint { reason, .. }) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it goes on"),
    };
    assert!(Trainer::new(room.setup("model")).is_err(), "a run is not overwritten");
    assert!(refused(room.setup("elsewhere")).contains("no checkpoint"));
    let mut setup = room.setup("model");
    setup.data = pairs(21);
    assert!(refused(setup).contains("other data"));
    let mut setup = room.setup("model");
    setup.arguments.learning_rate = 2e-3;
    assert!(refused(setup).contains("other settings"));
    let mut tiny = Tiny::new().with_modules();
    tiny.tensor("embeddings.LayerNorm.bias").values[0] += 1.0;
    let other = tiny.write();
    let mut setup = room.setup("model");
    setup.base = other.path().to_owned();
    assert!(refused(setup).contains("another base model"));
    let state = path.join("trainer_state.json");
    let text = fs::read_to_string(&state).expect("the state");
    fs::write(&state, text.replace("\"version\": \"", "\"version\": \"9.")).expect("written");
    assert!(refused(room.setup("model")).contains("of minilm 9."));
    // A step of another place in the run.
    assert!(text.contains("\"global_step\": 1,"), "{text}");
    let edited = text.replace("\"global_step\": 1,", "\"global_step\": 2,");
    fs::write(&state, edited).expect("written");
    assert!(refused(room.setup("model")).contains("step 2"));
    fs::write(&state, text).expect("written");
    let moments = path.join("optimizer.safetensors");
    let bytes = fs::read(&moments).expect("moments");
    fs::write(&moments, &bytes[..bytes.len() - 4]).expect("written");
    assert!(!refused(room.setup("model")).is_empty(), "a file that was cut");
    for (value, what) in [(f32::NAN, " is NaN"), (f32::INFINITY, " is inf"), (-1.0, " is -1")] {
        let mut other = bytes.clone();
        let end = other.len();
        other[end - 4..].copy_from_slice(&value.to_le_bytes());
        fs::write(&moments, other).expect("written");
        let reason = refused(room.setup("model"));
        assert!(reason.contains(what), "{reason}");
    }
}
