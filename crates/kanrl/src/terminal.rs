//! What a run looks like on a terminal: one progress bar a stage, on stderr.

use indicatif::{HumanCount, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use kanrl_pipeline::config::RunConfig;
use kanrl_pipeline::events::{Event, EventReader};
use kanrl_pipeline::stages::collect::SPEED;
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

/// Between two lines about the same stage in plain output.
const PAUSE: Duration = Duration::from_secs(10);
/// From so much time left on, a line says how to shorten a stage.
const LONG: Duration = Duration::from_secs(120);
/// Tuning that takes less is not announced.
const WORTH_A_WORD: Duration = Duration::from_secs(20);
/// Stages that a flag shortens.
const SHORTENED_BY: [(&str, &str); 1] = [("polish", "--polish-steps")];

/// Progress bars with the time left; plain output (a pipe, a file) gets one line a stage instead, and one every ten seconds.
pub struct Bars {
    bars: MultiProgress,
    stages: Mutex<BTreeMap<String, ProgressBar>>,
    paces: Mutex<BTreeMap<String, Pace>>,
    plain: bool,
    /// Environment steps that are to be spent on tuning constants.
    polish_steps: u64,
}

/// How fast a stage gets on.
struct Pace {
    /// When it was first heard of, and what was done by then.
    first: (Instant, u64),
    told: Instant,
    is_hinted: bool,
}

impl Pace {
    /// The time left at this pace, once that can be told.
    fn left(&self, done: u64, total: u64) -> Option<Duration> {
        let (since, before) = self.first;
        let made = done.checked_sub(before).filter(|made| *made > 0)?;
        let elapsed = since.elapsed();
        (elapsed >= PAUSE).then(|| elapsed.mul_f64(total.saturating_sub(done) as f64 / made as f64))
    }
}

impl Bars {
    /// Bars on stderr for a run of this config.
    pub fn new(config: &RunConfig) -> Self {
        let target = ProgressDrawTarget::stderr();
        let plain = target.is_hidden();
        let bars = MultiProgress::with_draw_target(target);
        let is_tuned = config.stages.as_ref().is_none_or(|stages| stages.iter().any(|stage| stage == "polish"));
        let polish_steps = if config.polish.enabled && is_tuned { config.polish.environment_steps } else { 0 };
        Self { bars, stages: Mutex::default(), paces: Mutex::default(), plain, polish_steps }
    }

    fn say(&self, line: String) {
        match self.plain {
            true => eprintln!("{line}"),
            false => drop(self.bars.println(line)),
        }
    }

    /// Says how far a stage is, where no bar shows it, and once how to shorten it if much is left.
    fn note(&self, stage: &str, done: u64, total: u64, message: &str) {
        let mut paces = self.paces.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let now = Instant::now();
        let new = || Pace { first: (now, done), told: now, is_hinted: false };
        let pace = paces.entry(stage.to_owned()).or_insert_with(new);
        let left = pace.left(done, total);
        if self.plain && now.duration_since(pace.told) >= PAUSE {
            pace.told = now;
            let left = left.map_or_else(String::new, |left| format!(", {} left", HumanDuration(left)));
            eprintln!("{stage}: {done} of {total} {message}{left}");
        }
        let flag = SHORTENED_BY.iter().find(|(name, _)| *name == stage).map(|(_, flag)| flag);
        if let (Some(flag), Some(left), false) = (flag, left, pace.is_hinted)
            && left >= LONG
        {
            pace.is_hinted = true;
            let hint = format!("{stage} will take about {} more; {flag} COUNT shortens it", HumanDuration(left));
            self.say(hint);
        }
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
                self.note(stage, *done, *total, message);
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
            Event::Metric { name, value, .. } if name == SPEED => {
                announcement(self.polish_steps, *value).into_iter().for_each(|line| self.say(line));
            }
            _ => {}
        }
    }
}

/// How long tuning will take at most in an environment of this speed, the expert's, where that is long.
fn announcement(steps: u64, steps_per_second: f64) -> Option<String> {
    let time =
        Duration::try_from_secs_f64(steps as f64 / steps_per_second).ok().filter(|time| *time >= WORTH_A_WORD)?;
    Some(format!("polish: {} steps, up to {}; --polish-steps N shortens it", HumanCount(steps), HumanDuration(time)))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ ")
}

#[cfg(test)]
mod tests {
    use super::announcement;

    #[test]
    fn long_tuning_is_announced_with_its_time_and_the_way_out() {
        let said = announcement(10_000_000, 25_000.0).expect("it is long");
        assert_eq!(said, "polish: 10,000,000 steps, up to 7 minutes; --polish-steps N shortens it");
        assert_eq!(announcement(10_000_000, 2e6), None);
        assert_eq!(announcement(0, 100.0), None);
        assert_eq!(announcement(10_000_000, 0.0), None);
    }
}
