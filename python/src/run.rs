//! Runs: made, resumed and read.

use crate::environments;
use crate::policy::Policy;
use crate::work::interruptible;
use crate::{errors, experts};
use kanrl_core::environment::{EnvironmentRegistry, EnvironmentSpec};
use kanrl_experts::PolicyOptions;
use kanrl_pipeline::config::{MergedConfig, RawConfig, RunConfig};
use kanrl_pipeline::engine::PipelineError;
use kanrl_pipeline::events::Event;
use kanrl_pipeline::run::record::RunRecord;
use kanrl_pipeline::run::{PolicyRole, PolicySource, PreparedRun, RunError, RunFile, RunStore};
use kanrl_pipeline::stages;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

/// What `kanrl.extract` and `kanrl.resume` ask for.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Order {
    /// A config file.
    file: Option<PathBuf>,
    /// A config as a dictionary, instead of the file.
    config: Option<serde_json::Value>,
    /// Fields on top of either: section, key (empty for the whole section) and value.
    overrides: Vec<(String, String, toml::Value)>,
    /// The expert, as on the command line.
    expert: Option<String>,
    /// The run directory.
    out: Option<PathBuf>,
    /// Instead of all this, the run directory to resume.
    resume: Option<PathBuf>,
    /// The first stage to be computed again.
    from: Option<String>,
}

impl Order {
    fn config(&self) -> PyResult<MergedConfig> {
        let raw = match (&self.resume, &self.file, &self.config) {
            (Some(directory), ..) => {
                RunStore::open(directory).map_err(errors::input)?.config().map_err(errors::config)?
            }
            (None, Some(file), _) => RawConfig::read(file).map_err(errors::config)?,
            (None, None, Some(config)) => {
                let text = serde_json::to_string_pretty(config).expect("a JSON value serializes");
                RawConfig::from_json("config", text).map_err(errors::config)?
            }
            (None, None, None) => RawConfig::default(),
        };
        let mut config = MergedConfig::new(raw);
        for (section, key, value) in &self.overrides {
            config.set(section, key, value.clone());
        }
        if let Some(expert) = &self.expert {
            let reference: PolicySource = expert.parse().map_err(errors::input)?;
            let section = reference.config(&PolicyOptions::default()).map_err(errors::input)?;
            config.set("expert", "", toml::Value::try_from(section).map_err(errors::input)?);
        }
        Ok(config)
    }
}

/// Runs all stages of the run that `order` (JSON) describes and gives its directory. `hear` gets every event as JSON, on the
/// calling thread.
#[pyfunction]
pub fn extract(
    py: Python<'_>,
    order: &str,
    environment: Option<&Bound<'_, PyAny>>,
    hear: Option<Py<PyAny>>,
) -> PyResult<PathBuf> {
    let order: Order = serde_json::from_str(order).map_err(errors::input)?;
    let mut config = order.config()?;
    let (registry, id) = match (environment, config.get("environment", "id").and_then(toml::Value::as_str)) {
        (Some(environment), _) => environments::with(environment)?,
        (None, Some(id)) => environments::by_id(id.to_owned())?,
        (None, None) => {
            let help = "kanrl.extract(\"CartPole-v1\"); kanrl.environments() lists those that are simulated in Rust";
            return Err(errors::input_with_help("no environment was named", help));
        }
    };
    config.set("environment", "id", id);
    let config = config.resolve().map_err(errors::config)?;
    let stop = Stop::default();
    experts::raised();
    let work = |said: Sender<Event>| {
        let listens = hear.is_some();
        execute(order, config, registry, &stop, listens.then_some(&said))
    };
    let heard = |event: Event| match &hear {
        Some(hear) => {
            let event = serde_json::to_string(&event).expect("an event serializes");
            hear.call1(py, (event,)).map(drop)
        }
        None => Ok(()),
    };
    let ended = interruptible(py, || stop.stop(), work, heard);
    let ended = ended.map_err(|error| match &*stop.directory.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(directory) if error.is_instance_of::<PyKeyboardInterrupt>(py) => cancelled(directory),
        _ => error,
    });
    ended?.map_err(|failure| match failure {
        Failure::Input(error) => errors::caused(errors::input(error), experts::raised()),
        Failure::Stage(error, directory) => failed(error, &directory),
    })
}

/// Why a run did not end.
enum Failure {
    /// It could not begin.
    Input(RunError),
    /// It failed, or was cancelled, on the way.
    Stage(PipelineError, PathBuf),
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::Input(error)
    }
}

/// Cancels a run, which may not have begun yet.
#[derive(Default)]
struct Stop {
    is_wanted: AtomicBool,
    flag: Mutex<Option<Arc<AtomicBool>>>,
    /// The run directory, once it has begun.
    directory: Mutex<Option<PathBuf>>,
}

impl Stop {
    fn stop(&self) {
        self.is_wanted.store(true, Ordering::SeqCst);
        self.tell();
    }

    /// The run has begun, and looks at `flag`.
    fn begun(&self, directory: &Path, flag: Arc<AtomicBool>) {
        *self.directory.lock().unwrap_or_else(PoisonError::into_inner) = Some(directory.to_owned());
        *self.flag.lock().unwrap_or_else(PoisonError::into_inner) = Some(flag);
        self.tell();
    }

    fn tell(&self) {
        let flag = self.flag.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(flag), true) = (&*flag, self.is_wanted.load(Ordering::SeqCst)) {
            flag.store(true, Ordering::SeqCst);
        }
    }
}

/// Prepares and executes the run on the calling thread, which a run does not leave.
fn execute(
    order: Order,
    config: RunConfig,
    registry: EnvironmentRegistry,
    stop: &Stop,
    said: Option<&Sender<Event>>,
) -> Result<PathBuf, Failure> {
    let prepared = PreparedRun::new(config, registry, stages::standard())?;
    let directory = order.resume.or(order.out).unwrap_or_else(|| prepared.default_directory());
    let mut run = prepared.open(&directory)?;
    if let Some(stage) = &order.from {
        run.recompute_from(stage)?;
    }
    stop.begun(&directory, run.reporter_mut().cancel_flag());
    if let Some(said) = said.cloned() {
        run.reporter_mut().subscribe(move |event: &Event| {
            // Nobody listens any more once the run is being cancelled.
            let _ = said.send(event.clone());
        });
    }
    match run.execute() {
        Ok(_) => Ok(directory),
        Err(error) => Err(Failure::Stage(error, directory)),
    }
}

fn cancelled(directory: &Path) -> PyErr {
    PyKeyboardInterrupt::new_err(format!("cancelled; to resume: {}", resume(directory)))
}

/// The call that resumes a run.
fn resume(directory: &Path) -> String {
    format!("kanrl.resume({:?})", directory.display().to_string())
}

fn failed(error: PipelineError, directory: &Path) -> PyErr {
    if error.is_cancelled() {
        return cancelled(directory);
    }
    let resume = resume(directory);
    let error = match &error {
        PipelineError::Stage { .. } if !error.leaves_domain() => {
            errors::run_with_help(error, format!("finished stages are kept; to resume: {resume}"))
        }
        _ => errors::run(error),
    };
    errors::caused(error, experts::raised())
}

/// A run directory, as it is read.
#[pyclass(frozen, module = "kanrl._kanrl")]
pub struct RunDirectory {
    store: RunStore,
}

#[pymethods]
impl RunDirectory {
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        Ok(Self { store: RunStore::open(path).map_err(errors::input)? })
    }

    /// What is known about it, as JSON: state, environment, expert, seed, policies, …; `config` and `metrics` whole.
    fn record(&self) -> PyResult<String> {
        let missing = || errors::input_with_help("the run's config cannot be read", "it is damaged: start a new run");
        let record = RunRecord::of(&self.store).ok_or_else(missing)?;
        let mut json = serde_json::to_value(&record).expect("a record serializes");
        json["config"] = serde_json::to_value(&record.config).expect("a table serializes");
        json["metrics"] = serde_json::to_value(&record.metrics).expect("metrics serialize");
        Ok(json.to_string())
    }

    /// The path of one of its files; None where it has no such file.
    fn path(&self, name: &str) -> Option<PathBuf> {
        self.file(RunFile::from_name(name)?).map(|file| self.store.path_of(file))
    }

    /// Whether it has the policy of that role.
    fn has(&self, role: &str) -> PyResult<bool> {
        let role = role.parse().map_err(errors::input)?;
        Ok(RunFile::of_policy(role).and_then(|file| self.file(file)).is_some())
    }

    /// The formula of that role.
    fn formula(&self, role: &str) -> PyResult<Policy> {
        let role = role.parse().map_err(errors::input)?;
        Policy::of_formula(self.store.formula(role).map_err(errors::input)?)
    }

    /// The diagram of the network as SVG; None where there is none.
    fn diagram(&self) -> PyResult<Option<String>> {
        let file = self.file(RunFile::Diagram);
        file.map(|file| self.store.read_text(file)).transpose().map_err(errors::input)
    }

    /// The video of the formula, as MP4; None where there is none.
    fn video(&self) -> PyResult<Option<Vec<u8>>> {
        let file = self.file(RunFile::FormulaVideo);
        file.map(|file| self.store.read(file)).transpose().map_err(errors::input)
    }

    /// A formula from its text in the metrics, with the action rule of the run's own formula.
    fn formula_of_text(&self, text: &str) -> PyResult<Policy> {
        let own = self.store.formula(PolicyRole::Headline).map_err(errors::input)?;
        let expressions: Vec<&str> = own
            .outputs()
            .iter()
            .map(|output| {
                let start = format!("{} = ", output.name);
                text.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default()
            })
            .collect();
        let expressions = expressions.into_iter().map(str::parse).collect::<Result<_, _>>().map_err(errors::input)?;
        Policy::of_formula(own.with_expressions(expressions).map_err(errors::input)?)
    }

    /// The network before it became a formula; an environment that lives in the program is given.
    #[pyo3(signature = (environment=None))]
    fn kan(&self, environment: Option<&Bound<'_, PyAny>>) -> PyResult<Policy> {
        Policy::load(
            &format!("run:{}#{}", self.store.path().display(), PolicyRole::Network),
            Some(&self.environment(environment)?),
        )
    }

    /// The expert; an environment that lives in the program is given.
    #[pyo3(signature = (environment=None))]
    fn expert(&self, environment: Option<&Bound<'_, PyAny>>) -> PyResult<Policy> {
        let config = MergedConfig::new(self.store.config().map_err(errors::config)?);
        let config = config.resolve().map_err(errors::config)?;
        let environment = self.environment(environment)?;
        let expert = config.expert.build(&environment).map_err(errors::input)?;
        Ok(Policy::of_this_process(expert, environment.observation_space.names()))
    }
}

impl RunDirectory {
    /// The file, where the run has it.
    fn file(&self, file: RunFile) -> Option<RunFile> {
        self.store.has(file).then_some(file)
    }

    fn environment(&self, given: Option<&Bound<'_, PyAny>>) -> PyResult<EnvironmentSpec> {
        let config = MergedConfig::new(self.store.config().map_err(errors::config)?);
        let section = config.resolve().map_err(errors::config)?.environment;
        let (registry, id) = match given {
            Some(environment) => environments::with(environment)?,
            None => environments::by_id(section.id)?,
        };
        let made = registry.make(&id, &section.arguments).map_err(errors::input)?;
        Ok(made.spec().clone())
    }
}
