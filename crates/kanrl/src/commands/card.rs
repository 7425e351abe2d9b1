//! A run as a repository on the Hugging Face hub.

use super::export::contract_of;
use crate::{Failure, Plugins, json};
use clap::Args;
use kanrl::card::{CardOptions, card};
use kanrl_export::{Contract, FILE_NAME, Format, Target};
use kanrl_pipeline::run::{Metrics, PolicyRole, PolicySource, RunFile, RunPolicy, RunStore};
use kanrl_symbolic::Format as Text;
use kanrl_symbolic::export::{DEFAULT_WIDTH, latex_formula};
use std::io::Error;
use std::path::PathBuf;

/// `kanrl card`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kanrl card runs/first --out card
  kanrl push runs/first ORG/NAME

The folder gets README.md (the model card: formula, returns with intervals, the front, video, how to use it from
Python and C, and the metadata that the hub reads), formula.json, the contract, and the formula as NumPy, C and
ONNX. `hub:ORG/NAME` reads it back.")]
pub struct Card {
    /// Run directory.
    run: PathBuf,
    /// Folder to write.
    #[arg(long, value_name = "DIR", default_value = "card")]
    out: PathBuf,
    /// ORG/NAME that the card speaks of.
    #[arg(long, value_name = "ORG/NAME")]
    repository: Option<String>,
    /// License of the policy, by the hub's name.
    #[arg(long, value_name = "ID", default_value = "mit")]
    license: String,
    /// Print JSON: the files that were written.
    #[arg(long)]
    json: bool,
}

impl Card {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let files = repository(&self.run, self.repository.as_deref(), &self.license, plugins)?;
        std::fs::create_dir_all(&self.out)
            .map_err(|error| Failure::run(Error::other(format!("{}: {error}", self.out.display()))))?;
        let mut names = Vec::new();
        for (name, bytes) in files {
            let path = self.out.join(name);
            kanrl_pipeline::files::write(&path, &bytes).map_err(Failure::run)?;
            names.push(path.display().to_string());
        }
        if self.json {
            return json::print(&serde_json::json!({ "files": names }));
        }
        names.iter().for_each(|name| eprintln!("wrote {name}"));
        Ok(())
    }
}

/// All files of a run's repository.
pub(super) fn repository(
    run: &std::path::Path,
    name: Option<&str>,
    license: &str,
    plugins: &Plugins,
) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let store = RunStore::open(run).map_err(Failure::input)?;
    let metrics = Metrics::read(&store).map_err(Failure::input)?;
    let source = PolicySource::Run(RunPolicy { directory: run.to_owned(), role: PolicyRole::Headline });
    let contract: Contract = contract_of(&source, None, None, &[], plugins)?.0;
    let video = store.has(RunFile::FormulaVideo).then(|| store.read(RunFile::FormulaVideo)).transpose();
    let video = video.map_err(Failure::input)?;
    let options = CardOptions {
        repository: name.map(str::to_owned),
        license: license.to_owned(),
        has_video: video.is_some(),
        latex: latex_formula(&contract.formula, DEFAULT_WIDTH),
        operations: metrics.headline().map_or(contract.formula.operations(), |headline| headline.operations),
    };
    let mut files = vec![
        ("README.md".to_owned(), card(&metrics, &contract, &options).into_bytes()),
        (FILE_NAME.to_owned(), contract.to_json().into_bytes()),
    ];
    for format in [Text::Json.into(), Text::NumPy.into(), Text::C.into(), Format::Onnx] {
        let target = Target { format, scalar: format.default_scalar() };
        match target.files(&contract, None) {
            Ok(own) => files.extend(own.into_iter().map(|file| (file.name, file.bytes))),
            // A function of the program's own is known in some languages only.
            Err(error) => eprintln!("warning: without {}: {error}", format.name()),
        }
    }
    files.extend(video.map(|video| ("formula.mp4".to_owned(), video)));
    Ok(files)
}
