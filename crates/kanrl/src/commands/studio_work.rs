use crate::{Failure, Plugins};
use clap::Args;
use kanrl_studio::Work;
use std::path::PathBuf;

/// `kanrl studio-work`: what the studio has done in a process that can be killed, and may crash.
#[derive(Debug, Args)]
pub struct StudioWork {
    /// What is to be done.
    file: PathBuf,
}

impl StudioWork {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let work = Work::read(&self.file).map_err(Failure::input)?;
        let environments = match work.environment() {
            Some(id) => plugins.environments_for(&id)?,
            None => plugins.environments()?,
        };
        print!("{}", work.run(&environments));
        Ok(())
    }
}
