use super::policy_flags::{PolicyFlags, say};
use crate::origin::origin;
use crate::terminal::{Bars, cancel_on_ctrl_c};
use crate::{Failure, Plugins, isolation, json};
use clap::Args;
use kanrl_core::config::ExpertConfig;
use kanrl_experts::data_files::{ActionKind, dataset_file};
use kanrl_experts::observed::ObservedConfig;
use kanrl_pipeline::causes::printable;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::run::record::RunRecord;
use kanrl_pipeline::run::{OpenRun, PolicyRow, PolicySource, PreparedRun, Returns, RunFile, RunSummary};
use kanrl_pipeline::stages;
use kanrl_symbolic::export::unicode;
use std::path::PathBuf;

/// `kanrl extract`.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub struct Extract {
    /// The environment's Gymnasium id, such as CartPole-v1; see `kanrl env list`.
    environment: Option<String>,
    /// The policy to explain: `bundled`, a Stable-Baselines3 archive (FILE.zip), …
    #[arg(long, value_name = "POLICY")]
    expert: Option<PolicySource>,
    #[command(flatten)]
    flags: PolicyFlags,
    /// A file of states to query the expert in (.csv, .npy, .npz, .hdf5, or .safetensors), if you don't have its environment.
    #[arg(long, value_name = "FILE", requires = "expert")]
    observations: Option<PathBuf>,
    /// A log of observations and actions (.safetensors, .npz, .hdf5, or .csv), or minari:DATASET, to explain instead of an
    /// expert; without an environment, nothing is played.
    #[arg(long, value_name = "FILE", conflicts_with = "expert")]
    dataset: Option<String>,
    /// Whether the log's actions are labels of discrete actions, or numbers [default: inferred from their values].
    #[arg(long, value_name = "WHAT", requires = "dataset")]
    actions: Option<ActionKind>,
    /// Hidden widths of the KAN, such as 2 or 3,3; "" for no hidden layer [default: tries both "" and 2].
    #[arg(long, value_name = "WIDTHS", value_parser = widths)]
    hidden: Option<Widths>,
    /// Random seed [default: 0].
    #[arg(long)]
    seed: Option<u64>,
    /// Don't tune anything on return: the result is the formula that best explains the expert.
    #[arg(long)]
    faithful: bool,
    /// Environment steps for tuning the formulas' constants; lower it for slow environments [default: 10000000, or what the
    /// environment asks for].
    #[arg(long, value_name = "STEPS", conflicts_with = "faithful")]
    polish_steps: Option<u64>,
    /// Which formula to pick among those that play as well as the expert: the most faithful, the best-playing, or the
    /// shortest [default: fidelity].
    #[arg(long, value_name = "WHAT", value_parser = ["fidelity", "return", "brevity"])]
    prefer: Option<String>,
    /// Your own formula with unknown constants k1, k2, … ("k1*theta + k2*theta_dot"; separate several outputs with `;`).
    /// It is fitted, tuned, and compared with the others. May be repeated.
    #[arg(long = "candidate", value_name = "EXPRESSION")]
    candidates: Vec<String>,
    /// Number of evaluation episodes for each policy [default: 100].
    #[arg(long, value_name = "COUNT")]
    episodes: Option<u32>,
    /// Read the run's config from a TOML or .json file; flags override it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run directory [default: runs/ENVIRONMENT-TIME].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Exit with code 2 if a file in the run directory is damaged, instead of recomputing it.
    #[arg(long)]
    strict: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  kanrl extract CartPole-v1
  kanrl extract CartPole-v1 --expert agent.zip --hidden 3 --seed 1 --out my-run
  kanrl extract CartPole-v1 --candidate 'k1*theta + k2*theta_dot'
  kanrl extract --config run.toml
  kanrl extract --dataset log.csv              a formula for logged actions; nothing is played
  kanrl extract CartPole-v1 --dataset log.npz  … tuned and compared by playing
  kanrl extract --dataset minari:D4RL/door/expert-v2           a data set of Minari's
  kanrl extract --expert agent.zip --observations states.csv   for what an agent does in these states

A log's columns are observations (the formula uses their names), `action` (any labels, or a number) or
`action_NAME` (vectors), and optionally `episode`, `done`, and `weight`. Indices, times, rewards, and
text are skipped. A log's arrays are `observations`, `actions`, `episode_starts`, and `weights`.";

/// Examples, and what a run directory holds.
fn after_help() -> String {
    let files = RunFile::ALL.iter().filter(|file| !file.name().starts_with('.'));
    let files: String = files.map(|file| format!("  {:<16} {}\n", file, file.meaning())).collect();
    format!("{EXAMPLES}\n\nThe run directory contains:\n{files}")
}

/// Hidden widths; a type of its own, since clap takes a `Vec` for a repeated flag.
#[derive(Clone, Debug)]
struct Widths(Vec<i64>);

fn widths(text: &str) -> Result<Widths, String> {
    let parts = text.split(',').map(str::trim).filter(|_| !text.trim().is_empty());
    let width = |part: &str| match part.parse::<i64>() {
        Ok(width @ 1..=1024) => Ok(width),
        _ => Err(format!(
            "`{part}` is not a width; expected whole numbers from 1 to 1024, separated by commas (`2`, `3,3`), or \"\" for none"
        )),
    };
    parts.map(width).collect::<Result<_, _>>().map(Widths)
}

impl Extract {
    pub fn run(self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        let config = self.config()?;
        let (config, registry) = plugins.resolve(|environments| config.resolve_in(environments))?;
        let run = PreparedRun::new(config, registry, stages::standard()).map_err(Failure::input)?;
        let directory = self.out.clone().unwrap_or_else(|| run.default_directory());
        let mut run = run.open(&directory).map_err(Failure::input)?;
        if self.strict {
            run.refuse_damage();
        }
        execute(run, quiet, self.json)
    }

    fn config(&self) -> Result<MergedConfig, Failure> {
        let raw = self.config.as_deref().map(RawConfig::read).transpose()?.unwrap_or_default();
        let mut config = MergedConfig::new(raw);
        if let Some(id) = &self.environment {
            config.set("environment", "id", id.as_str());
        }
        if let Some(name) = &self.dataset {
            let path = dataset_file(name).map_err(Failure::input)?;
            let mut section = toml::Table::new();
            section.insert("kind".to_owned(), "dataset".into());
            section.insert("path".to_owned(), path.display().to_string().into());
            if let Some(actions) = self.actions {
                section.insert("actions".to_owned(), toml::Value::try_from(actions).map_err(Failure::input)?);
            }
            config.set("expert", "", section);
        }
        if let Some(expert) = &self.expert {
            config.set("expert", "", self.expert_section(expert)?);
        } else if self.flags.are_given() {
            let message = std::io::Error::other("--normalization and --activation require --expert");
            return Err(Failure::input_with_help(message, "name it: --expert agent.zip"));
        }
        let needs_none = ["dataset", "observed"];
        let kind = config.get("expert", "kind");
        let has_log = kind.is_some_and(|kind| kind.as_str().is_some_and(|kind| needs_none.contains(&kind)));
        if config.get("environment", "id").is_none() && !has_log {
            let message = std::io::Error::other("no environment was named");
            return Err(Failure::input_with_help(
                message,
                "kanrl extract CartPole-v1, or `kanrl env list` for all; a log needs none: kanrl extract --dataset log.csv; nor does \
                 an agent with states to ask it about: kanrl extract --expert agent.zip --observations states.csv",
            ));
        }
        if let Some(Widths(widths)) = &self.hidden {
            if config.get("approximator", "hidden").is_some() {
                config.set("approximator", "hidden", widths.clone());
            }
            config.set("students", "widths", vec![widths.clone()]);
        }
        if self.faithful {
            config.set("polish", "enabled", false);
        }
        if let Some(steps) = self.polish_steps {
            config.set("polish", "environment_steps", i64::try_from(steps).unwrap_or(i64::MAX));
        }
        if let Some(prefer) = &self.prefer {
            config.set("select", "prefer", prefer.as_str());
        }
        if !self.candidates.is_empty() {
            config.set("students", "candidates", self.candidates.clone());
        }
        if let Some(episodes) = self.episodes {
            config.set("evaluate", "episodes", i64::from(episodes));
        }
        if let Some(seed) = self.seed {
            let seed = i64::try_from(seed).map_err(|_| {
                Failure::input(std::io::Error::other(format!("--seed {seed}: seeds go up to {}", i64::MAX)))
            })?;
            config.set("seed", "", seed);
        }
        Ok(config)
    }

    /// The `[expert]` section.
    fn expert_section(&self, expert: &PolicySource) -> Result<toml::Value, Failure> {
        let options = self.flags.options();
        let config = expert.config(&options).map_err(Failure::input)?;
        let section = match &self.observations {
            None => toml::Value::try_from(config),
            Some(observations) => {
                let PolicySource::Other(reference) = expert else {
                    let message = std::io::Error::other(format!("`{expert}` cannot be used with --observations"));
                    return Err(Failure::input_with_help(message, "use the formula's own file in the run directory"));
                };
                let config: Box<dyn ExpertConfig> = Box::new(ObservedConfig {
                    policy: reference.to_string(),
                    observations: observations.clone(),
                    normalization: options.normalization,
                    activation: options.activation,
                });
                toml::Value::try_from(config)
            }
        };
        section.map_err(Failure::input)
    }
}

/// Runs all stages with progress bars and Ctrl-C, and prints the result.
pub fn execute(mut run: OpenRun, quiet: bool, json: bool) -> Result<(), Failure> {
    run.set_origin(origin());
    if !quiet {
        say(run.notes());
        let bars = Bars::new(run.config());
        run.reporter_mut().subscribe(bars);
    }
    cancel_on_ctrl_c(run.reporter_mut().cancel_flag());
    let directory = run.directory().to_owned();
    isolation::working_on(&directory);
    let resume = format!("kanrl resume {}", directory.display());
    let summary = run.execute().map_err(|error| Failure::pipeline(error, &resume))?;
    let formula = summary.formula.as_ref().map(unicode).unwrap_or_default();
    if json {
        return json::print(&serde_json::json!({
            "run": RunRecord::read(&directory), "formula": formula, "reused": summary.reused,
        }));
    }
    print(&summary, &formula);
    if !summary.reused.is_empty() {
        println!("\nreused because nothing they depend on has changed: {}", summary.reused.join(", "));
    }
    println!("\nRun directory: {}", directory.display());
    Ok(())
}

fn print(summary: &RunSummary, formula: &str) {
    if summary.rows.iter().all(|row| row.returns.n == 0) {
        print_agreement(summary);
    } else {
        print_returns(summary);
    }
    summary.warnings.iter().for_each(|warning| println!("warning: {}\n", printable(warning)));
    println!("{formula}\n");
    println!("{} operations, from {}: {}", summary.operations, summary.student, summary.reason);
    if summary.rows.iter().any(|row| row.returns.n > 0) {
        print_front(summary);
    }
}

fn print_front(summary: &RunSummary) {
    let fidelity = |value: Option<f64>| value.zip(summary.measure).map(|(value, measure)| measure.text(value));
    println!(
        "\n{:<26} {:>12} {:>12} {:>10} {:>10} {:>10}",
        "front", "mean return", "worst 5 %", "own", "expert's", "operations"
    );
    for row in &summary.front {
        let [own, expert] = [row.own_states, row.expert_states].map(|value| fidelity(value).unwrap_or_default());
        let roles: Vec<&str> = row.roles.iter().map(|role| role.name()).collect();
        let roles = if roles.is_empty() { String::new() } else { format!("  {}", roles.join(", ")) };
        println!(
            "{:<26} {:>12.2} {:>12.2} {own:>10} {expert:>10} {:>10}{roles}",
            row.formula, row.mean, row.worst_5_percent, row.operations
        );
    }
    println!("(fidelity in the formula's own states and in the expert's, on the seeds that are used for choosing)");
}

fn agreement(row: &PolicyRow) -> String {
    row.agreement.as_ref().map_or_else(String::new, |agreement| agreement.measure().text(agreement.value()))
}

fn print_agreement(summary: &RunSummary) {
    println!("\n{:<10} {:>11}", "policy", "agreement");
    for row in &summary.rows {
        println!("{:<10} {:>11}", row.policy, agreement(row));
    }
    println!("(with the log, on held-out rows; nothing was played, filmed, or tuned on return)\n");
}

fn print_returns(summary: &RunSummary) {
    println!("\n{:<10} {:>12} {:>10} {:>12} {:>11}", "policy", "mean return", "std", "worst 5 %", "agreement");
    for row in &summary.rows {
        let Returns { mean, std, worst_5_percent, .. } = row.returns;
        println!("{:<10} {mean:>12.2} {std:>10.2} {worst_5_percent:>12.2} {:>11}", row.policy, agreement(row));
    }
    let episodes = summary.rows.first().map_or(0, |row| row.returns.n);
    println!("({episodes} episodes each, on the same seeds)\n");
}
