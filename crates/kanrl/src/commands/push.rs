//! A run to the Hugging Face hub.

use super::card::repository;
use crate::{Failure, Plugins, json};
use clap::Args;
use std::path::PathBuf;

/// `kanrl push`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kanrl push runs/first ORG/NAME
  kanrl play CartPole-v1 --policy hub:ORG/NAME

Uploads what `kanrl card` writes, in one commit, and makes the repository where there is none yet. The token is
HF_TOKEN, or the one that `hf auth login` keeps (HF_HOME/token); HF_ENDPOINT names another hub.")]
pub struct Push {
    /// Run directory.
    run: PathBuf,
    /// Repository on the hub.
    #[arg(value_name = "ORG/NAME")]
    repository: String,
    /// License of the policy, by the hub's name.
    #[arg(long, value_name = "ID", default_value = "mit")]
    license: String,
    /// Make a new repository private.
    #[arg(long)]
    private: bool,
    /// Print JSON: the commit's address and the files.
    #[arg(long)]
    json: bool,
}

impl Push {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let files = repository(&self.run, Some(&self.repository), &self.license, plugins)?;
        let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
        let commit = upload(&self.repository, self.private, files)?;
        if self.json {
            return json::print(&serde_json::json!({ "commit": commit, "files": names }));
        }
        println!("{commit}");
        Ok(())
    }
}

#[cfg(feature = "hub")]
fn upload(repository: &str, private: bool, files: Vec<(String, Vec<u8>)>) -> Result<String, Failure> {
    use kanrl_experts::hub::{Hub, Upload};
    let hub = Hub::from_environment().map_err(Failure::input)?;
    let upload = |(name, bytes): (String, Vec<u8>)| {
        let sha256 = kanrl_export::sha256(&bytes);
        Upload { name, bytes, sha256 }
    };
    let files: Vec<Upload> = files.into_iter().map(upload).collect();
    hub.upload(repository, private, &files, "Upload a formula with kanrl").map_err(Failure::run)
}

#[cfg(not(feature = "hub"))]
fn upload(_repository: &str, _private: bool, _files: Vec<(String, Vec<u8>)>) -> Result<String, Failure> {
    let message = std::io::Error::other("this build cannot use the Hugging Face hub");
    Err(Failure::input_with_help(message, "build with the feature `hub`, or upload what `kanrl card` writes"))
}
