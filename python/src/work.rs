//! Long work: on a thread of its own, without the interpreter's lock, ended by Ctrl-C.

use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(50);

/// What `work` gives. Meanwhile the calling thread hears what it says (`heard`, with the interpreter's lock) and looks for
/// Ctrl-C: after either has raised an exception, `cancel` is called, the work comes to its end, and the exception is raised.
///
/// # Errors
/// That exception.
pub fn interruptible<T: Send, M: Send>(
    py: Python<'_>,
    cancel: impl Fn(),
    work: impl FnOnce(Sender<M>) -> T + Send,
    mut heard: impl FnMut(M) -> PyResult<()>,
) -> PyResult<T> {
    std::thread::scope(|scope| {
        let (said, messages) = channel();
        let messages = Mutex::new(messages);
        let worker = scope.spawn(move || work(said));
        let mut raised = None;
        loop {
            let message = py.detach(|| next(&messages));
            let outcome = match message {
                Err(RecvTimeoutError::Disconnected) => break,
                Ok(message) if raised.is_none() => heard(message),
                _ => Ok(()),
            };
            if let Err(error) = outcome.and_then(|()| py.check_signals()) {
                cancel();
                raised.get_or_insert(error);
            }
        }
        let ended = py.detach(|| worker.join());
        let result = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        raised.map_or(Ok(result), Err)
    })
}

fn next<M>(messages: &Mutex<Receiver<M>>) -> Result<M, RecvTimeoutError> {
    messages.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(TICK)
}

/// As [`interruptible`], for work that says nothing and looks at a flag itself.
///
/// # Errors
/// As [`interruptible`].
pub fn cancellable<T: Send>(py: Python<'_>, work: impl FnOnce(&AtomicBool) -> T + Send) -> PyResult<T> {
    let flag = AtomicBool::new(false);
    let cancel = || flag.store(true, Ordering::Relaxed);
    let work = |_alive: Sender<()>| work(&flag);
    interruptible(py, cancel, work, |()| Ok(()))
}
