//! What a run looks like on a terminal: one progress bar a stage, on stderr.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use kanrl_pipeline::events::{Event, EventReader};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Two signals within this time are one Ctrl-C: the terminal sends it to this process and the one that waits for it, which passes
/// it on.
const ONE_INTERRUPT: Duration = Duration::from_millis(500);

/// Sets `cancelled` at the first Ctrl-C; a second one ends the process at once.
pub fn cancel_on_ctrl_c(cancelled: Arc<AtomicBool>) {
    let first = Mutex::new(None::<Instant>);
    let handler = move || {
        let mut first = first.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match *first {
            Some(first) if first.elapsed() > ONE_INTERRUPT => crate::isolation::exit(130),
            Some(_) => {}
            None => *first = Some(Instant::now()),
        }
        cancelled.store(true, Ordering::SeqCst);
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::warn!("Ctrl-C will end the work at once: {error}");
    }
}

/// Progress bars with the time left; plain output (a pipe, a file) gets one line a stage instead.
pub struct Bars {
    bars: MultiProgress,
    stages: Mutex<BTreeMap<String, ProgressBar>>,
    plain: bool,
}

impl Bars {
    /// Bars on stderr.
    pub fn new() -> Self {
        let target = ProgressDrawTarget::stderr();
        let plain = target.is_hidden();
        Self { bars: MultiProgress::with_draw_target(target), stages: Mutex::default(), plain }
    }
}

impl EventReader for Bars {
    fn read(&self, event: &Event) {
        let mut stages = self.stages.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match event {
            Event::StageStarted { stage, index, count } if !self.plain => {
                let bar = self.bars.add(ProgressBar::new(1));
                bar.set_style(style("{prefix:>16} {bar:30} {msg}"));
                bar.set_prefix(format!("{}/{count} {stage}", index + 1));
                bar.enable_steady_tick(Duration::from_millis(200));
                stages.insert(stage.clone(), bar);
            }
            Event::Progress { stage, done, total, message } => {
                if let Some(bar) = stages.get(stage) {
                    bar.set_style(style("{prefix:>16} {bar:30} {pos}/{len} {msg}, {eta} left"));
                    bar.set_length(*total);
                    bar.set_position(*done);
                    bar.set_message(message.clone());
                }
            }
            Event::StageFinished { stage, seconds, reused } => {
                let how = if *reused { "reused from the earlier run".to_owned() } else { format!("{seconds:.1} s") };
                match stages.remove(stage) {
                    Some(bar) => {
                        bar.set_style(style("{prefix:>16} {msg}"));
                        bar.finish_with_message(how);
                    }
                    None => eprintln!("{stage}: {how}"),
                }
            }
            _ => {}
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ ")
}
