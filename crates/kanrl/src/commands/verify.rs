//! What is proved, measured, and not known of a formula.

use super::policy_flags::{PolicyFlags, say};
use crate::{Failure, Plugins, json};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use kanrl::verification::Verification;
use kanrl_core::environment::EnvironmentEntry;
use kanrl_experts::FunctionPolicy;
use kanrl_pipeline::run::{LockedRun, PolicyRole, PolicySource, RunFile, RunPolicy, RunStore};
use kanrl_pipeline::stages::record::film::film;
use kanrl_render::video::Format;
use kanrl_verify::{Find, ProofCard};
use std::io::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// `kanrl verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kanrl verify run:runs/CartPole-v1-20260131-120000
  kanrl verify 'formula:3*theta + theta_dot' --environment CartPole-v1 --extent x_dot=-3:3
  kanrl verify run:runs/first --hunt finds             also hunt for counter-examples
  kanrl play CartPole-v1 --policy run:runs/first --conditions finds/1.json

Each line of the proof card is proved (it holds without exception, rounding included), measured (with
99 % confidence), or not known. Budgets count boxes and episodes, so the card is the same on every
machine. The card of a run's headline formula is saved in its directory as proof.json, and shown in
its report and in the studio.")]
pub struct Verify {
    /// Formula: run:DIR, run:DIR#faithful, run:DIR#polished, a formula.json, or formula:EXPRESSION.
    policy: PolicySource,
    /// The environment's id [default: the run's].
    #[arg(long, value_name = "ID")]
    environment: Option<String>,
    /// Bounds of an observation, such as x_dot=-3:3, instead of the declared ones. May be repeated [default: for
    /// observations without bounds, twice the largest size seen in 100 episodes].
    #[arg(long, value_name = "NAME=LOW:HIGH", value_parser = extent, allow_hyphen_values = true)]
    extent: Vec<(String, f64, f64)>,
    /// Number of episodes to play [default: 50 million steps' worth, at most a million].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    episodes: Option<u64>,
    /// The return below which an episode has failed [default: CartPole-v1 500, MountainCar-v0 -199.5, …].
    #[arg(long, value_name = "RETURN", allow_hyphen_values = true)]
    fails_below: Option<f64>,
    /// Number of boxes of starts to follow.
    #[arg(long, value_name = "COUNT", default_value_t = 20_000)]
    boxes: usize,
    /// Cells in each direction, for proofs about a plane (Pendulum-v1).
    #[arg(long, value_name = "COUNT", default_value_t = 512, value_parser = clap::value_parser!(u16).range(8..=4096))]
    cells: u16,
    /// Hunt for the smallest changes of the environment under which the formula fails and the expert does not, or the
    /// other way round; write each find, with a video, into this folder.
    #[arg(long, value_name = "DIR")]
    hunt: Option<PathBuf>,
    /// The expert for --hunt.
    #[arg(long, value_name = "POLICY", default_value = "bundled")]
    expert: PolicySource,
    #[command(flatten)]
    flags: PolicyFlags,
    /// Write the card as JSON to a file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the card as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn extent(text: &str) -> Result<(String, f64, f64), String> {
    let parts = text.split_once('=').and_then(|(name, bounds)| {
        let (low, high) = bounds.split_once(':')?;
        Some((name.trim().to_owned(), low.trim().parse().ok()?, high.trim().parse().ok()?))
    });
    parts.ok_or_else(|| "expected NAME=LOW:HIGH, such as x_dot=-3:3".to_owned())
}

impl Verify {
    pub fn run(self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        let id = environment_of(&self.policy, self.environment.as_deref())?;
        let registry = plugins.environments_for(&id)?;
        let entry = registry.get(&id).map_err(Failure::input)?;
        let spec = registry.spec(&id).map_err(Failure::input)?;
        let formula = self.policy.formula(Some(&spec)).map_err(Failure::input)?.ok_or_else(|| {
            let message = Error::other(format!("`{}` is not a formula", self.policy));
            Failure::input_with_help(message, "use run:DIR, run:DIR#faithful, a formula.json, or formula:EXPRESSION")
        })?;
        let name = self.policy.to_string();
        let policy = FunctionPolicy::from_formula(&formula, &spec, name.clone()).map_err(Failure::input)?;
        let mut verification = Verification {
            extents: self.extent.clone(),
            episodes: self.episodes,
            fails_below: self.fails_below,
            ..Verification::default()
        };
        verification.reach.tubes.boxes = self.boxes;
        verification.reach.cells.angles = usize::from(self.cells);
        verification.reach.cells.speeds = usize::from(self.cells);
        let bar = Mutex::new((String::new(), if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() }));
        let progress = |what: &str, done: u64, total: u64| {
            let mut bar = bar.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if bar.0 != what {
                what.clone_into(&mut bar.0);
                let template =
                    if total > 1 { "{prefix:>16} {bar:30} {pos}/{len}, {eta} left" } else { "{prefix:>16} {spinner}" };
                let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
                bar.1.set_style(style);
                bar.1.set_prefix(what.to_owned());
                bar.1.set_length(total);
                bar.1.enable_steady_tick(Duration::from_millis(200));
            }
            bar.1.set_position(done);
            ControlFlow::Continue(())
        };
        let card = verification.run(entry, &name, &formula, &policy, &progress).map_err(Failure::run)?;
        let finds = match &self.hunt {
            Some(folder) => {
                let _ = progress("hunt", 0, 1);
                let expert = self.flags.build(&self.expert, &spec)?;
                say(expert.notes());
                let expert_name = self.expert.to_string();
                let finds = verification
                    .hunt(entry, (&name, &policy), (&expert_name, expert.as_ref()))
                    .map_err(Failure::run)?;
                for (number, find) in finds.iter().enumerate() {
                    let failing: &dyn kanrl_core::policy::Policy =
                        if find.fails == name { &policy } else { expert.as_ref() };
                    write_find(folder, number + 1, find, entry, failing)?;
                }
                Some(finds)
            }
            None => None,
        };
        bar.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).1.finish_and_clear();
        if let Some(out) = &self.out {
            kanrl_pipeline::files::write(out, card.to_json().as_bytes()).map_err(Failure::run)?;
        }
        if let PolicySource::Run(run) = &self.policy
            && run.role == PolicyRole::Headline
        {
            keep(run, &card)?;
        }
        if self.json {
            let mut value = serde_json::to_value(&card).map_err(Failure::run)?;
            if let Some(finds) = &finds {
                value["finds"] = serde_json::to_value(finds).map_err(Failure::run)?;
            }
            return json::print(&value);
        }
        print!("{}", card.text());
        for (number, find) in finds.iter().flatten().enumerate() {
            let Find { change, fails, succeeds, failing_return, succeeding_return, .. } = find;
            println!(
                "find {:<5} {change}: {fails} returns {failing_return:.1}, {succeeds} {succeeding_return:.1}",
                number + 1
            );
        }
        if finds.as_ref().is_some_and(Vec::is_empty) {
            println!("the hunt found no change under which only one of both fails");
        }
        Ok(())
    }
}

/// The environment that was named, or the run's.
pub(super) fn environment_of(policy: &PolicySource, named: Option<&str>) -> Result<String, Failure> {
    match (named, policy) {
        (Some(id), _) => Ok(id.to_owned()),
        (None, PolicySource::Run(run)) => {
            let store = RunStore::open(&run.directory).map_err(Failure::input)?;
            let metrics: serde_json::Value = store.read_json(RunFile::Metrics).map_err(Failure::input)?;
            metrics["environment"].as_str().map(str::to_owned).ok_or_else(|| {
                let message = Error::other(format!("{} does not say its environment", run.directory.display()));
                Failure::input_with_help(message, "add --environment ID")
            })
        }
        (None, _) => {
            let message = Error::other(format!("`{policy}` does not say its environment"));
            Err(Failure::input_with_help(message, "add --environment ID"))
        }
    }
}

/// Keeps a card with its run, and shows it in the report.
fn keep(run: &RunPolicy, card: &ProofCard) -> Result<(), Failure> {
    let locked = LockedRun::open(&run.directory).map_err(Failure::run)?;
    locked.write(RunFile::Proof, card.to_json().as_bytes()).map_err(Failure::run)?;
    let store = RunStore::open(&run.directory).map_err(Failure::run)?;
    if store.has(RunFile::Report) {
        let page = store.read_text(RunFile::Report).map_err(Failure::run)?;
        let page = kanrl::verification::with_card(&page, card);
        locked.write(RunFile::Report, page.as_bytes()).map_err(Failure::run)?;
    }
    Ok(())
}

/// Writes a find as `NUMBER.json`, with a video of the policy that fails where the environment can be drawn.
fn write_find(
    folder: &Path,
    number: usize,
    find: &Find,
    entry: &EnvironmentEntry,
    failing: &dyn kanrl_core::policy::Policy,
) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(Failure::run)?;
    let text = serde_json::to_string_pretty(find).map_err(Failure::run)? + "\n";
    kanrl_pipeline::files::write(&folder.join(format!("{number}.json")), text.as_bytes()).map_err(Failure::run)?;
    let mut environment = find.conditions.environment(entry).map_err(Failure::run)?;
    let film = film(environment.as_mut(), failing, find.conditions.seed, Format::Mp4, true, &mut |_, _, _| true);
    match film {
        Ok(film) => {
            kanrl_pipeline::files::write(&folder.join(format!("{number}.mp4")), &film.bytes).map_err(Failure::run)
        }
        Err(error) => {
            eprintln!("warning: find {number} has no video: {error}");
            Ok(())
        }
    }
}
