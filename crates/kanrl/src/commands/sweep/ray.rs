//! Sweeps on Ray: the Python package's work, with this program as the one that makes the runs.

use super::Sweep;
use crate::{Failure, Plugins};
use kanrl_pipeline::python;
use std::ffi::OsString;
use std::io::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Exit code of a Python that lacks the package.
const NO_PACKAGE: i32 = 3;

/// Starts the package's driver, which is told what to do by its arguments.
const DRIVER: &str = "\
import sys
try:
    from kanrl._sweep import main
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(3)
sys.exit(main())";

impl Sweep {
    /// Makes the runs on a Ray cluster.
    pub fn on_ray(&self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        let mut arguments: Vec<OsString> = vec![self.file.clone().into(), "--out".into(), self.folder().into()];
        arguments.extend(["--program".into(), crate::processes::program().map_err(Failure::run)?.into()]);
        arguments.extend(self.address.iter().flat_map(|address| ["--address".into(), address.into()]));
        arguments.extend(self.cpus.iter().flat_map(|cpus| ["--cpus".into(), cpus.to_string().into()]));
        arguments.extend(self.seeds.iter().flat_map(|seeds| ["--seeds".into(), shown(seeds).into()]));
        for (flag, is_set) in [("--asha", self.asha), ("--json", self.json), ("--quiet", quiet)] {
            arguments.extend(is_set.then(|| flag.into()));
        }
        arguments.push("--".into());
        arguments.extend(plugins.arguments());
        // Ctrl-C reaches both processes; this one waits for the other.
        crate::terminal::cancel_on_ctrl_c(Arc::new(AtomicBool::new(false)));
        let help = format!(
            "activate a Python environment with kanrl[ray], or name its interpreter in KANRL_PYTHON; now it is `{}`",
            python::interpreter().display()
        );
        let status = python::command(DRIVER)
            .args(arguments)
            .status()
            .map_err(|error| Failure::input_with_help(error, help.clone()))?;
        match status.code() {
            Some(0) => Ok(()),
            Some(NO_PACKAGE) => {
                Err(Failure::input_with_help(Error::other("the Python package `kanrl` cannot be imported"), help))
            }
            Some(2) => Err(Failure::input(Error::other("the sweep was not started: see above"))),
            Some(130) | None => {
                let resume = format!("kanrl sweep {} --ray --out {}", self.file.display(), self.folder().display());
                Err(Failure::cancelled(Error::other("cancelled"), format!("to resume: {resume}")))
            }
            Some(_) => Err(Failure::run(Error::other("some runs failed: see above"))),
        }
    }
}

/// The flag's text again.
fn shown(seeds: &toml::Value) -> String {
    match seeds {
        toml::Value::Array(seeds) => seeds.iter().map(|seed| format!("{seed},")).collect(),
        count => count.to_string(),
    }
}
