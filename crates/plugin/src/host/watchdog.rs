//! Notices foreign calls that do not come back.
//!
//! A call that hangs inside a library cannot be interrupted from inside the process. So every caller notes when it
//! enters and leaves a plugin (two stores to memory of its own), and one thread looks at these notes from time to time.

use super::exit::exit_at_once;
use super::last_call;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak, mpsc};
use std::time::{Duration, Instant};

/// A function of the ABI, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Function {
    Open = 1,
    Environments,
    Create,
    Destroy,
    Spec,
    Reset,
    Step,
    StepLanes,
    StepChunk,
    Info,
    State,
    Parameters,
    SetParameter,
    Render,
}

impl Function {
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Environments => "environments",
            Self::Create => "create",
            Self::Destroy => "destroy",
            Self::Spec => "spec",
            Self::Reset => "reset",
            Self::Step => "step",
            Self::StepLanes => "step_lanes",
            Self::StepChunk => "step_chunk",
            Self::Info => "info",
            Self::State => "state",
            Self::Parameters => "parameters",
            Self::SetParameter => "set_parameter",
            Self::Render => "render",
        }
    }

    pub fn from_code(code: u8) -> Self {
        const ALL: [Function; 14] = [
            Function::Open,
            Function::Environments,
            Function::Create,
            Function::Destroy,
            Function::Spec,
            Function::Reset,
            Function::Step,
            Function::StepLanes,
            Function::StepChunk,
            Function::Info,
            Function::State,
            Function::Parameters,
            Function::SetParameter,
            Function::Render,
        ];
        ALL[usize::from(code).saturating_sub(1).min(ALL.len() - 1)]
    }
}

/// A call into a plugin did not come back in time.
#[derive(Clone, Debug, thiserror::Error)]
#[error("plugin `{}`: `{function}` did not return within {} s: it hangs, or the limit for one call is too low", plugin.display(), limit.as_secs_f64())]
pub struct HangError {
    /// The library.
    pub plugin: PathBuf,
    /// The function of the ABI.
    pub function: &'static str,
    /// The limit on one call.
    pub limit: Duration,
}

/// What happens when a call hangs. It runs on a thread of its own; the call itself stays where it is.
pub type HangHandler = Arc<dyn Fn(&HangError) + Send + Sync>;

/// The limit on one call into a plugin, and what happens beyond it.
#[derive(Clone)]
pub struct CallLimit {
    /// The longest that one call may take; `None` for no limit.
    pub duration: Option<Duration>,
    /// Called once for each call that takes longer.
    pub on_hang: HangHandler,
}

impl CallLimit {
    /// The exit status of a process that the default handler ends.
    pub const EXIT_STATUS: u8 = 124;

    /// A limit beyond which the process prints the [`HangError`] and ends with [`Self::EXIT_STATUS`]: a thread that
    /// hangs inside foreign code cannot be ended in any other way.
    pub fn ending_the_process(duration: Duration) -> Self {
        Self::ending_the_process_after(duration, || {})
    }

    /// As [`Self::ending_the_process`], with something to be done between the message and the end.
    pub fn ending_the_process_after(duration: Duration, last: impl Fn() + Send + Sync + 'static) -> Self {
        let on_hang = move |error: &HangError| {
            // No log: its thread-local storage may need the loader's lock, too.
            eprintln!("error: {error}");
            last();
            exit_at_once(Self::EXIT_STATUS);
        };
        Self { duration: Some(duration), on_hang: Arc::new(on_hang) }
    }
}

/// Ends the process beyond 60 s.
impl Default for CallLimit {
    fn default() -> Self {
        Self::ending_the_process(Duration::from_secs(60))
    }
}

impl fmt::Debug for CallLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CallLimit").field("duration", &self.duration).finish_non_exhaustive()
    }
}

/// What one caller is doing: the number of its calls so far, then eight bits for the function it is in (0: none).
#[derive(Debug)]
struct Activity {
    now: AtomicU64,
    plugin: PathBuf,
    limit: CallLimit,
}

/// One caller, which makes one call at a time.
#[derive(Debug)]
pub(crate) struct Watched(Arc<Activity>);

impl Watched {
    pub fn new(plugin: PathBuf, limit: CallLimit) -> Self {
        let duration = limit.duration;
        let activity = Arc::new(Activity { now: AtomicU64::new(0), plugin, limit });
        if let Some(duration) = duration {
            Watchdog::get().watch(&activity, duration);
        }
        Self(activity)
    }

    /// Notes the function until the guard is dropped.
    #[inline]
    pub fn enter(&self, function: Function) -> Inside<'_> {
        last_call::note(function);
        let calls = self.0.now.load(Ordering::Relaxed) >> 8;
        self.0.now.store((calls + 1) << 8 | function as u64, Ordering::Relaxed);
        Inside(&self.0)
    }
}

/// A call is being made.
#[derive(Debug)]
pub(crate) struct Inside<'a>(&'a Activity);

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        let calls = self.0.now.load(Ordering::Relaxed) >> 8;
        self.0.now.store(calls << 8, Ordering::Relaxed);
    }
}

struct Sighting {
    activity: Weak<Activity>,
    limit: Duration,
    seen: u64,
    since: Instant,
    told: bool,
}

#[derive(Default)]
struct Watchdog {
    sightings: Mutex<Vec<Sighting>>,
    changed: Condvar,
}

impl Watchdog {
    fn get() -> &'static Self {
        static WATCHDOG: OnceLock<Watchdog> = OnceLock::new();
        static THREAD: OnceLock<()> = OnceLock::new();
        let watchdog = WATCHDOG.get_or_init(Self::default);
        THREAD.get_or_init(|| {
            let (ready, started) = mpsc::channel();
            let run = move || {
                let _ = ready.send(());
                watchdog.run();
            };
            if let Err(error) = std::thread::Builder::new().name("plugin-watchdog".into()).spawn(run) {
                tracing::warn!("no thread to watch plugins with: {error}");
            }
            // A thread that starts needs the loader's lock, which a library that hangs while it is loaded holds: so wait
            // until it runs.
            let _ = started.recv();
        });
        watchdog
    }

    fn watch(&self, activity: &Arc<Activity>, limit: Duration) {
        let sighting =
            Sighting { activity: Arc::downgrade(activity), limit, seen: 0, since: Instant::now(), told: false };
        self.sightings.lock().unwrap_or_else(PoisonError::into_inner).push(sighting);
        self.changed.notify_all();
    }

    fn run(&self) {
        let mut sightings = self.sightings.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            sightings.retain(|sighting| sighting.activity.strong_count() > 0);
            // A quarter of the shortest limit, so that a hang is noticed after at most 1.25 limits.
            let shortest = sightings.iter().map(|sighting| sighting.limit).min();
            sightings = match shortest {
                None => self.changed.wait(sightings).unwrap_or_else(PoisonError::into_inner),
                Some(limit) => {
                    let pause = (limit / 4).clamp(Duration::from_millis(1), Duration::from_secs(1));
                    self.changed.wait_timeout(sightings, pause).unwrap_or_else(PoisonError::into_inner).0
                }
            };
            let hangs: Vec<_> = sightings.iter_mut().filter_map(Sighting::look).collect();
            if !hangs.is_empty() {
                drop(sightings);
                for (handler, error) in hangs {
                    handler(&error);
                }
                sightings = self.sightings.lock().unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Sighting {
    /// Looks at the caller; a hang that nobody was told of yet, if there is one.
    fn look(&mut self) -> Option<(HangHandler, HangError)> {
        let activity = self.activity.upgrade()?;
        let now = activity.now.load(Ordering::Relaxed);
        if now != self.seen {
            (self.seen, self.since, self.told) = (now, Instant::now(), false);
            return None;
        }
        let function = (now & 0xff) as u8;
        if function == 0 || self.told || self.since.elapsed() < self.limit {
            return None;
        }
        self.told = true;
        let error = HangError {
            plugin: activity.plugin.clone(),
            function: Function::from_code(function).name(),
            limit: self.limit,
        };
        Some((activity.limit.on_hang.clone(), error))
    }
}
