use super::verify::{environment_of, extent};
use crate::{Failure, Plugins, json};
use clap::Args;
use kanrl::contract::{control_period, measured};
use kanrl_core::environment::KeywordArguments;
use kanrl_experts::{PolicyOptions, PolicyReference};
use kanrl_export::onnx::Precision;
use kanrl_export::{Contract, ExportError, FILE_NAME, Format, SUFFIX, Scalar, Target};
use kanrl_pipeline::run::{Metrics, PolicySource, RunFile, RunStore};
use kanrl_symbolic::{Formula, Monitor};
use kanrl_verify::{ProofCard, contradictions};
use std::io::Error;
use std::path::{Path, PathBuf};

/// `kanrl export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kanrl export run:runs/CartPole-v1-20260131-120000 --to c > policy.c
  kanrl export run:runs/first --to c --scalar q15 --dir controller
  kanrl export run:runs/first --to onnx --out policy.onnx
  kanrl export run:runs/first#network --to onnx --out network.onnx
  kanrl export agent.zip --environment CartPole-v1 --to onnx --out expert.onnx
  kanrl export run:runs/first --to c --monitor runs/first/proof.json --fallback 0 > policy.c

With --dir and --out a contract is written beside the export (policy.contract.json): names, units,
ranges and order of observations and actions, the control period, what was measured and proved, and the
formula. The export has the contract's SHA-256 in it; `kanrl check-export DIR` replays it.

With --scalar q15 and q31 the C code has no floating point. Its header says how observations become
whole numbers, and how far outputs are from the formula's at most, which is proved for the ranges of the
observations: the run's proof card (`kanrl verify`), the environment's bounds, or --extent.")]
pub struct Export {
    /// Formula: run:DIR, run:DIR#faithful, run:DIR#polished, a formula.json, or with --environment formula:EXPRESSION. A run's
    /// network (run:DIR#network) is exported as a formula with its curves; with --to onnx and --environment also an
    /// expert: bundled, FILE.zip, FILE.pt, FILE.safetensors.
    policy: PolicySource,
    /// Format: text, latex, mathml, sympy, numpy, c, rust, javascript, octave, julia, structured-text, json, onnx, or verilog.
    #[arg(long, value_name = "FORMAT")]
    to: Format,
    /// Numbers to compute with: double or float, for c and onnx; fixed point of 16 or 32 bits (q15, q31), for c and verilog
    /// [default: float for onnx, q15 for verilog, otherwise double].
    #[arg(long, value_name = "SCALAR")]
    scalar: Option<Scalar>,
    /// The environment's id [default: the run's].
    #[arg(long, value_name = "ID")]
    environment: Option<String>,
    /// Range of an observation, such as x_dot=-3:3, instead of the proof card's or the environment's. May be repeated.
    #[arg(long, value_name = "NAME=LOW:HIGH", value_parser = extent, allow_hyphen_values = true)]
    extent: Vec<(String, f64, f64)>,
    /// Proof card of `kanrl verify` for the contract [default: the run's proof.json].
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Add a run-time check of the observations for which this proof card holds (proof.json of `kanrl verify`); for c, rust
    /// and numpy.
    #[arg(long, value_name = "FILE", requires = "fallback")]
    monitor: Option<PathBuf>,
    /// The action outside of the proved box: an action's number, or a number for each output, such as 0 or 0.5,-1.
    #[arg(long, value_name = "ACTION", requires = "monitor", value_delimiter = ',', allow_hyphen_values = true)]
    fallback: Vec<f64>,
    /// Write to a file instead of standard output, and the contract beside it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the export's files and the contract into a folder.
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    dir: Option<PathBuf>,
    /// Write a Rust crate for no_std into a folder, with the contract.
    #[arg(long = "crate", value_name = "DIR", conflicts_with_all = ["out", "dir"])]
    krate: Option<PathBuf>,
    /// Print JSON: the policy, the format, and the text or the files.
    #[arg(long)]
    json: bool,
}

impl Export {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        if let Some(bytes) = self.network(plugins)? {
            return self.write_network(&bytes);
        }
        let (contract, formula) = self.contract(plugins)?;
        let monitor = match &self.monitor {
            Some(file) => Some(monitor(file, &formula, self.fallback.clone())?),
            None => None,
        };
        let target = Target { format: self.to, scalar: self.scalar.unwrap_or(self.to.default_scalar()) };
        let mut written = Vec::new();
        let mut text = None;
        if let Some(folder) = self.krate.as_ref().or(self.dir.as_ref()) {
            let files = match (&self.krate, self.to.name()) {
                (None, _) => target.files(&contract, monitor.as_ref()),
                (Some(_), "rust") => kanrl_export::rust_crate(&contract, monitor.as_ref()),
                (Some(_), _) => {
                    let message = Error::other(format!("--crate is a Rust crate, not {}", self.to.name()));
                    return Err(Failure::input_with_help(message, "use --to rust --crate DIR, or --dir DIR"));
                }
            };
            for file in files.map_err(refused)? {
                let path = folder.join(&file.name);
                let parent = path.parent().unwrap_or(folder);
                std::fs::create_dir_all(parent).map_err(|error| in_folder(parent, error))?;
                written.push((path, file.bytes));
            }
            written.push((folder.join(FILE_NAME), contract.to_json().into_bytes()));
        } else {
            match &self.out {
                Some(out) => {
                    let name = out.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    written.push((out.clone(), target.single(&contract, monitor.as_ref()).map_err(refused)?));
                    written.push((out.with_file_name(name + SUFFIX), contract.to_json().into_bytes()));
                }
                // No file, and so no contract beside it.
                None => text = Some(target.text(&formula, monitor.as_ref()).map_err(refused)?),
            }
        }
        for (path, bytes) in &written {
            kanrl_pipeline::files::write(path, bytes).map_err(Failure::run)?;
        }
        if self.json {
            let files: Vec<String> = written.iter().map(|(path, _)| path.display().to_string()).collect();
            return json::print(&serde_json::json!({
                "policy": self.policy.to_string(), "format": self.to.name(), "scalar": target.scalar.name(), "text": text,
                "file": self.out, "files": files,
            }));
        }
        match text {
            Some(text) => println!("{}", text.trim_end()),
            None => written.iter().for_each(|(path, _)| eprintln!("wrote {}", path.display())),
        }
        Ok(())
    }

    /// An expert's network, which is not a formula, as ONNX.
    fn network(&self, plugins: &Plugins) -> Result<Option<Vec<u8>>, Failure> {
        let (Format::Onnx, PolicySource::Other(reference)) = (self.to, &self.policy) else { return Ok(None) };
        let id = match (&self.environment, reference) {
            (Some(id), _) | (None, PolicyReference::BundledFor(id)) => id.clone(),
            _ => return Ok(None),
        };
        let spec = plugins.environments_for(&id)?.spec(&id).map_err(Failure::input)?;
        let Some(network) = reference.network(&PolicyOptions::default(), &spec).map_err(Failure::input)? else {
            return Ok(None);
        };
        let precision = match self.scalar.unwrap_or(Scalar::Float) {
            Scalar::Float => Precision::Single,
            Scalar::Double => Precision::Double,
            scalar => return Err(refused(ExportError::Scalar { format: self.to, scalar })),
        };
        let made_by = concat!("kanrl ", env!("CARGO_PKG_VERSION"));
        let names = spec.observation_space.names();
        kanrl_export::onnx::network(&network, &names, precision, made_by).map(Some).map_err(refused)
    }

    fn write_network(&self, bytes: &[u8]) -> Result<(), Failure> {
        let path = match (&self.out, &self.dir) {
            (Some(out), _) => out.clone(),
            (None, Some(folder)) => {
                std::fs::create_dir_all(folder).map_err(|error| in_folder(folder, error))?;
                folder.join(self.to.file_name())
            }
            (None, None) => return Err(refused(ExportError::NotText { format: self.to })),
        };
        kanrl_pipeline::files::write(&path, bytes).map_err(Failure::run)?;
        if self.json {
            let files = [path.display().to_string()];
            return json::print(&serde_json::json!({
                "policy": self.policy.to_string(), "format": self.to.name(), "file": path, "files": files,
            }));
        }
        eprintln!("wrote {}", path.display());
        Ok(())
    }

    fn contract(&self, plugins: &Plugins) -> Result<(Contract, Formula), Failure> {
        contract_of(&self.policy, self.environment.as_deref(), self.proof.as_deref(), &self.extent, plugins)
    }
}

/// A formula, with all that is known of it: from its environment, its run, a proof card, and the user.
pub(super) fn contract_of(
    policy: &PolicySource,
    named: Option<&str>,
    proof: Option<&Path>,
    extents: &[(String, f64, f64)],
    plugins: &Plugins,
) -> Result<(Contract, Formula), Failure> {
    // Of a log there is no environment, and a run of a plugin's may be exported without the plugin.
    let id = match (named, policy) {
        (Some(id), _) => Some(id.to_owned()),
        (None, PolicySource::Run(_)) => environment_of(policy, None).ok(),
        (None, _) => None,
    };
    let registry = id.as_ref().and_then(|id| plugins.environments_for(id).ok());
    let environment = match (&registry, &id) {
        (Some(registry), Some(id)) => match registry.make(id, &KeywordArguments::new()) {
            Ok(environment) => Some(environment),
            Err(error) if named.is_some() => return Err(Failure::input(error)),
            Err(_) => None,
        },
        _ => None,
    };
    let spec = environment.as_ref().map(|environment| environment.spec().clone());
    let formula = policy.formula_or_network(spec.as_ref()).map_err(Failure::input)?.ok_or_else(|| {
        let message = Error::other(format!("`{policy}` is not a formula"));
        Failure::input_with_help(
            message,
            "use run:DIR, run:DIR#faithful, run:DIR#polished, run:DIR#network, or a formula.json; with --to onnx and --environment ID \
             also a network: bundled, FILE.zip, FILE.pt, or FILE.safetensors",
        )
    })?;
    let mut contract = Contract::new(&policy.to_string(), &formula);
    if let (Some(environment), Some(spec)) = (&environment, &spec) {
        let taken = contract.take_environment(spec, control_period(environment.as_ref()));
        if named.is_some() {
            taken.map_err(Failure::input)?;
        }
    }
    if let PolicySource::Run(run) = policy {
        let store = RunStore::open(&run.directory).map_err(Failure::input)?;
        contract.measured = Metrics::read(&store).ok().and_then(|metrics| measured(&metrics, run.role));
        if proof.is_none() && store.has(RunFile::Proof) {
            // The card may be about another of the run's formulas.
            let _ = contract.take_proof(store.read_json(RunFile::Proof).map_err(Failure::input)?);
        }
    }
    if let Some(file) = proof {
        let taken = contract.take_proof(card(file)?);
        taken.map_err(|error| Failure::input_with_help(error, "run `kanrl verify` for this formula"))?;
    }
    contract.take_ranges(extents).map_err(Failure::input)?;
    Ok((contract, formula))
}

fn in_folder(folder: &Path, error: Error) -> Failure {
    Failure::run(Error::other(format!("{}: {error}", folder.display())))
}

fn refused(error: ExportError) -> Failure {
    use kanrl_export::fixed::FixedError;
    let help = match &error {
        ExportError::Fixed(FixedError::NoRange { name }) => {
            format!("add --extent {name}=LOW:HIGH, or --proof with a proof card of `kanrl verify`")
        }
        ExportError::Fixed(FixedError::Undefined { .. }) => {
            "narrow the observations' ranges with --extent, or export to floats: --scalar float".to_owned()
        }
        ExportError::Fixed(_) => "export to floats: --scalar float".to_owned(),
        ExportError::Files { .. } => "add --dir DIR".to_owned(),
        ExportError::OnnxInDoubles { .. } => "use --scalar float".to_owned(),
        ExportError::NotText { .. } => "add --out FILE or --dir DIR".to_owned(),
        _ => return Failure::input(error),
    };
    Failure::input_with_help(error, help)
}

fn card(file: &Path) -> Result<ProofCard, Failure> {
    let wrong = |reason: String| {
        let message = Error::other(format!("{}: {reason}", file.display()));
        Failure::input_with_help(message, "run `kanrl verify` for this formula and name the card that it writes")
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}

/// The box of a proof card that is about this formula.
fn monitor(file: &Path, formula: &Formula, fallback: Vec<f64>) -> Result<Monitor, Failure> {
    let card = card(file)?;
    if let Some(found) = contradictions(&card, formula, 10_000).map_err(Failure::input)?.first() {
        let message = Error::other(format!("{}: {found}", file.display()));
        let help = "run `kanrl verify` for this formula and name the card that it writes";
        return Err(Failure::input_with_help(message, help));
    }
    let sides = formula.inputs().iter().filter_map(|input| card.observations.iter().find(|side| side.name == *input));
    let (low, high) = sides.map(|side| (side.low, side.high)).unzip();
    Ok(Monitor { low, high, fallback })
}
