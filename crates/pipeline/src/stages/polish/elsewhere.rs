//! Candidates that play in other processes, on any number of machines.
//!
//! A pool is a process that reads one JSON object a line and answers each with one: the first tells the run's config, every
//! other one asks for a generation. What it answers are the numbers that playing here would give, since a candidate's returns
//! depend on its constants and the seeds alone. Its workers [`serve`].

use super::returns::{Play, Played};
use super::variants::variants;
use crate::config::RunConfig;
use crate::engine::StageError;
use crate::events::Reporter;
use crate::formulas::Draft;
use crate::head::StudentHead;
use kanrl_core::environment::EnvironmentRegistry;
use kanrl_core::rollout::Rollouts;
use kanrl_symbolic::Formula;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Error, Result as IoResult, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// What a pool is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// First: the run's resolved config, as TOML.
    Config(String),
    /// A generation, each candidate on all seeds.
    Play {
        formula: Formula,
        /// As in [`Play::noise`].
        noise: Vec<f64>,
        candidates: Vec<Vec<f64>>,
        seeds: Vec<u64>,
    },
}

/// What it says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ready,
    /// In the order of the candidates.
    Played(Vec<Played>),
    Error(String),
}

/// A running pool; it ends when this is dropped.
#[derive(Debug)]
pub struct Pool(Mutex<Talk>);

#[derive(Debug)]
struct Talk {
    process: Child,
    /// Closed to end the process.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Pool {
    /// Starts the process and tells it the config.
    ///
    /// # Errors
    /// Where it cannot be started, or refuses the config.
    pub fn start(mut command: Command, config: &RunConfig) -> Result<Self, StageError> {
        // Ctrl-C is for the run, which ends the pool.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|error| {
            let program = command.get_program().display().to_string();
            failed(format!("cannot start the workers of polish, `{program}`: {error}"))
        })?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let output = BufReader::new(output.expect("standard output is a pipe"));
        let pool = Self(Mutex::new(Talk { process, input, output }));
        match pool.ask(&Request::Config(config.to_toml()))? {
            Answer::Ready => Ok(pool),
            other => Err(unexpected(&other)),
        }
    }

    /// As [`Play::play`].
    ///
    /// # Errors
    /// [`StageError`] where the pool fails.
    pub fn play(
        &self,
        draft: &Draft,
        noise: &[f64],
        candidates: &[Vec<f64>],
        seeds: &[u64],
    ) -> Result<Vec<Played>, StageError> {
        let formula = draft.formula().map_err(|error| StageError::Other(Box::new(error)))?;
        let (noise, candidates, seeds) = (noise.to_vec(), candidates.to_vec(), seeds.to_vec());
        match self.ask(&Request::Play { formula, noise, candidates, seeds })? {
            Answer::Played(played) => Ok(played),
            other => Err(unexpected(&other)),
        }
    }

    fn ask(&self, request: &Request) -> Result<Answer, StageError> {
        let mut talk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        talk.ask(request).map_err(|error| failed(format!("the workers of polish: {error}")))
    }
}

impl Talk {
    fn ask(&mut self, request: &Request) -> IoResult<Answer> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.input.as_mut().ok_or_else(|| Error::other("they have ended"))?.write_all(&line)?;
        let mut answer = String::new();
        if self.output.read_line(&mut answer)? == 0 {
            let status = self.process.wait()?;
            return Err(Error::other(format!("they ended with {status}")));
        }
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.input = None;
        // It may have ended.
        let _ = self.process.wait();
    }
}

fn unexpected(answer: &Answer) -> StageError {
    match answer {
        Answer::Error(reason) => failed(format!("the workers of polish: {reason}")),
        _ => failed("the workers of polish answered something else than they were asked".to_owned()),
    }
}

fn failed(message: String) -> StageError {
    StageError::Other(message.into())
}

/// A worker: answers requests until there are no more, after a first line that says that it is ready. `say` takes lines.
///
/// # Errors
/// Where the environment cannot be made, or `input` fails.
pub fn serve(
    config: &RunConfig,
    environments: &EnvironmentRegistry,
    input: impl BufRead,
    mut say: impl FnMut(&str),
) -> Result<(), StageError> {
    let rollouts = variants(environments, config)?;
    let mut answer = |answer: &Answer| serde_json::to_string(answer).map(|line| say(&line));
    let io = |error| StageError::Other(Box::<dyn std::error::Error + Send + Sync>::from(error));
    answer(&Answer::Ready).map_err(|error| io(error.into()))?;
    for line in input.lines() {
        let played = serde_json::from_str(&line.map_err(io)?)
            .map_err(|error| error.to_string())
            .and_then(|request| play(config, &rollouts, request));
        let played = played.map_or_else(Answer::Error, Answer::Played);
        answer(&played).map_err(|error| io(error.into()))?;
    }
    Ok(())
}

fn play(config: &RunConfig, rollouts: &[Rollouts], request: Request) -> Result<Vec<Played>, String> {
    let Request::Play { formula, noise, candidates, seeds } = request else {
        return Err("a worker has its config already".to_owned());
    };
    let head = StudentHead::new(rollouts[0].spec().action_space.clone());
    let draft = Draft::from_formula(head, &formula).map_err(|error| error.to_string())?;
    let count = draft.constants().len();
    if candidates.iter().any(|constants| constants.len() != count) {
        return Err(format!("a candidate for this formula has {count} constants"));
    }
    let (tail_weight, reporter) = (config.polish.tail_weight, Reporter::new());
    let play = Play { variants: rollouts, tail_weight, noise, reporter: &reporter, elsewhere: None };
    play.play(&draft, &candidates, &seeds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Answer, Request, serve};
    use crate::config::{MergedConfig, RawConfig};
    use crate::events::Reporter;
    use crate::formulas::Draft;
    use crate::head::StudentHead;
    use crate::stages::polish::returns::{Play, Played};
    use crate::stages::polish::variants::variants;
    use kanrl_core::environment::EnvironmentRegistry;

    #[test]
    fn what_plays_elsewhere_returns_the_same_bits() {
        let text = "environment.id = 'CartPole-v1'\npolish.perturbation = 0.1";
        let mut environments = EnvironmentRegistry::new();
        kanrl_envs_classic::register(&mut environments).unwrap();
        let raw = RawConfig::from_toml("config.toml", text).unwrap();
        let config = MergedConfig::new(raw).resolve().unwrap();
        let rollouts = variants(&environments, &config).unwrap();
        let spec = rollouts[0].spec();
        let head = StudentHead::new(spec.action_space.clone());
        let expression = "3.1*theta + tanh(1.7*theta_dot) + (x_dot + 0.02*x)^2/(1/0.3 + abs(x))";
        let draft = Draft::new(head, spec.observation_space.names(), vec![expression.parse().unwrap()]).unwrap();
        let near = |step: f64| draft.constants().iter().map(|constant| constant * step).collect::<Vec<f64>>();
        let (candidates, seeds) = ([near(1.0), near(1.0 / 3.0), near(-0.1)], [5, 6, u64::MAX]);
        let (noise, reporter) = (vec![0.1, 0.2, 0.01, 0.3], Reporter::new());
        let play =
            Play { variants: &rollouts, tail_weight: 0.25, noise: noise.clone(), reporter: &reporter, elsewhere: None };
        let here = play.play(&draft, &candidates, &seeds).unwrap();

        let ask = |constants: &[Vec<f64>]| Request::Play {
            formula: draft.formula().unwrap(),
            noise: noise.clone(),
            candidates: constants.to_vec(),
            seeds: seeds.to_vec(),
        };
        let requests = [ask(&candidates[..2]), ask(&candidates[2..]), ask(&[vec![1.0]])];
        let lines = requests.map(|request| serde_json::to_string(&request).unwrap()).join("\n");
        let mut answers: Vec<Answer> = Vec::new();
        let hear = |line: &str| answers.push(serde_json::from_str(line).unwrap());
        serve(&config, &environments, lines.as_bytes(), hear).unwrap();
        assert!(matches!(answers[0], Answer::Ready));
        let played = |answer: &Answer| -> Vec<Played> {
            match answer {
                Answer::Played(played) => played.clone(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!([played(&answers[1]), played(&answers[2])].concat(), here);
        assert!(here[0].returns != here[1].returns, "they are told apart: {here:?}");
        assert!(matches!(&answers[3], Answer::Error(reason) if reason.contains("constants")));
    }
}
