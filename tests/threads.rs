//! The threads of the work: the caller's pool, or the calling thread; and no event there hangs the
//! program.

mod support;

use minilm::{EncodeOptions, Error, SentenceEncoder, SentenceEncoderBuilder};
use rayon::{ThreadPool, ThreadPoolBuilder, prelude::*};
use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};
use support::{bits, tiny::Tiny};

/// Names of threads.
type Names = BTreeSet<String>;

fn name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("own-{i}"))
        .build()
        .unwrap()
}

/// The small model, with options.
fn tiny(options: impl FnOnce(SentenceEncoderBuilder) -> SentenceEncoderBuilder) -> SentenceEncoder {
    options(SentenceEncoder::builder()).load(Tiny::new().with_modules().write()).unwrap()
}

/// Different texts of eight tokens.
fn texts(count: usize) -> Vec<String> {
    let words = ["the", "cat", "sat", "on", "a", "mat", "dog", "ran"];
    (0..count)
        .map(|i| (0..6).map(|k| words[(i >> (3 * k)) % 8]).collect::<Vec<_>>().join(" "))
        .collect()
}

/// The result of `work`, on a thread of its own; a failure if it takes minutes.
fn in_time<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(Duration::from_secs(300)).expect("it neither hangs nor panics")
}

/// A text that records the thread that has read it.
struct Read {
    text: String,
    by: Arc<Mutex<Names>>,
}

impl AsRef<str> for Read {
    fn as_ref(&self) -> &str {
        self.by.lock().unwrap().insert(name());
        &self.text
    }
}

/// The threads on which a call tokenises `texts`, and those on which it computes their embeddings.
fn threads_of(threads: usize, texts: &[String]) -> [Names; 2] {
    let computed = Arc::new(Mutex::new(Names::new()));
    let log = Arc::clone(&computed);
    let encoder = tiny(|builder| {
        builder.threads(threads).on_progress(move |_| {
            log.lock().unwrap().insert(name());
        })
    });
    let by = Arc::default();
    let read: Vec<Read> =
        texts.iter().map(|text| Read { text: text.clone(), by: Arc::clone(&by) }).collect();
    encoder.encode(&read).unwrap();
    [by, computed].map(|names| names.lock().unwrap().clone())
}

#[test]
fn small_work_stays_on_the_calling_thread() {
    let caller = Names::from([name()]);
    for count in [1, 2, 4] {
        assert_eq!(threads_of(2, &texts(count)), [caller.clone(), caller.clone()], "{count} texts");
    }
    let [_, computed] = threads_of(2, &texts(400));
    assert!(computed.iter().all(|name| name.starts_with("minilm-")), "{computed:?}");
    assert_eq!(threads_of(1, &texts(400)), [caller.clone(), caller]);
}

#[test]
fn a_pool_of_the_caller_does_the_work() {
    let log = Arc::new(Mutex::new(Names::new()));
    let names = Arc::clone(&log);
    let encoder = tiny(|builder| {
        builder.on_progress(move |_| {
            names.lock().unwrap().insert(name());
        })
    });
    let texts = texts(400);
    let expected = bits(&encoder.encode(&texts).unwrap());
    log.lock().unwrap().clear();
    assert_eq!(bits(&pool(2).install(|| encoder.encode(&texts).unwrap())), expected);
    let names = log.lock().unwrap().clone();
    assert!(names.iter().all(|name| name.starts_with("own-")), "{names:?}");
}

#[test]
fn calls_from_within_tasks_of_the_same_pool_end() {
    for own in [1, 2, 3] {
        in_time(move || {
            let encoder = tiny(|builder| builder);
            let texts = texts(300);
            let expected = bits(&encoder.encode(&texts).unwrap());
            let (one_by_one, in_batches) = pool(own).install(|| {
                let one = texts.par_iter().flat_map_iter(|text| encoder.encode_one(text).unwrap());
                let batch =
                    texts.par_chunks(50).flat_map_iter(|texts| encoder.encode(texts).unwrap());
                (one.collect::<Vec<_>>(), batch.collect::<Vec<_>>())
            });
            assert_eq!(bits(&one_by_one), expected, "{own} threads");
            assert_eq!(bits(&in_batches), expected, "{own} threads");
        });
    }
}

/// Both threads of the pool are held by one call, until the others have ended.
#[test]
fn a_call_does_not_wait_for_another() {
    let encoder = tiny(|builder| builder.threads(2));
    let texts = texts(400);
    let expected = bits(&encoder.encode(&texts).unwrap());
    let (held, holds) = mpsc::channel();
    let gate = RwLock::new(());
    let mut shut = Some(gate.write().unwrap());
    thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let held = Mutex::new(held);
            let wait = |_| {
                let _ = held.lock().unwrap().send(());
                drop(gate.read());
                ControlFlow::Continue(())
            };
            encoder.encode_with_progress(&texts, &EncodeOptions::new(), wait)
        });
        (0..2).for_each(|_| holds.recv().unwrap());
        let (done, ends) = mpsc::channel();
        for _ in 0..3 {
            let (encoder, texts, done) = (encoder.clone(), texts.clone(), done.clone());
            thread::spawn(move || done.send(encoder.encode(&texts).unwrap()));
        }
        let others: Vec<_> = (0..3).map(|_| ends.recv_timeout(Duration::from_secs(60))).collect();
        shut.take(); // whatever has come of them: the scope waits for the slow call
        for embeddings in others {
            assert_eq!(bits(&embeddings.expect("they do not wait")), expected);
        }
        assert_eq!(bits(&slow.join().unwrap().unwrap().embeddings), expected);
    });
}

#[test]
fn a_callback_that_panics_ends_its_call_alone() {
    for threads in [1, 2] {
        in_time(move || {
            let armed = Arc::new(Mutex::new(true));
            let first = Arc::clone(&armed);
            let encoder = tiny(|builder| {
                builder.threads(threads).on_progress(move |_| {
                    // and the lock is free again
                    let panics = std::mem::take(&mut *first.lock().unwrap());
                    assert!(!panics, "on purpose");
                })
            });
            for texts in [texts(1), texts(400)] {
                *armed.lock().unwrap() = true;
                let call = catch_unwind(AssertUnwindSafe(|| encoder.encode(&texts)));
                assert!(call.is_err(), "{threads} threads, {} texts", texts.len());
                assert_eq!(encoder.encode(&texts).unwrap().nrows(), texts.len());
            }
        });
    }
}

#[test]
fn a_progress_that_breaks_stops_the_call() {
    let encoder = tiny(|options| options.threads(1));
    let texts = texts(512);
    let calls = AtomicUsize::new(0);
    let result = encoder.encode_with_progress(&texts, &EncodeOptions::new(), |progress| {
        assert_eq!(progress.total, texts.len());
        match calls.fetch_add(1, Ordering::Relaxed) {
            2 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    assert!(matches!(result, Err(Error::Stopped)), "{result:?}");
    assert_eq!(calls.into_inner(), 3, "no batch begins after the third");
    let whole =
        encoder.encode_with_progress(&texts, &EncodeOptions::new(), |_| ControlFlow::Continue(()));
    let whole = whole.unwrap().embeddings;
    assert_eq!(bits(&whole), bits(&encoder.encode(&texts).unwrap()));
}

#[test]
fn work_is_installed_in_the_pool_of_its_caller() {
    assert!(pool(2).install(|| minilm::install(name)).starts_with("own-"));
    assert_eq!(in_time(|| minilm::install(|| rayon::join(|| 1, || 2))), (1, 2));
}
