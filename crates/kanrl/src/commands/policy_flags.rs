//! Flags that complete a policy's name.

use crate::failure::Failure;
use clap::Args;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::ExpertPolicy;
use kanrl_experts::PolicyOptions;
use kanrl_experts::network::Activation;
use kanrl_pipeline::causes::printable;
use kanrl_pipeline::run::PolicySource;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct PolicyFlags {
    /// Pickled VecNormalize of a Stable-Baselines3 archive, or `none` [default: the *vec*normalize*.pkl next to it].
    #[arg(long, value_name = "FILE")]
    normalization: Option<PathBuf>,
    /// Activation function of a PyTorch state dict (FILE.pt): tanh, relu, elu, silu, gelu, …
    #[arg(long, value_name = "NAME")]
    activation: Option<Activation>,
}

impl PolicyFlags {
    pub fn options(&self) -> PolicyOptions {
        PolicyOptions { normalization: self.normalization.clone(), activation: self.activation }
    }

    /// The policy of that name, for an environment.
    pub fn build(
        &self,
        policy: &PolicySource,
        environment: &EnvironmentSpec,
    ) -> Result<Arc<dyn ExpertPolicy>, Failure> {
        policy.config(&self.options()).map_err(Failure::input)?.build(environment).map_err(Failure::input)
    }

    /// Whether any of them was given.
    pub fn are_given(&self) -> bool {
        self.normalization.is_some() || self.activation.is_some()
    }
}

/// Prints how files were read, as lines `note: …` and `warning: …`.
pub fn say(notes: &[String]) {
    for note in notes {
        let note = printable(note);
        match note.strip_prefix("warning: ") {
            Some(warning) => eprintln!("warning: {warning}"),
            None => eprintln!("note: {note}"),
        }
    }
}
