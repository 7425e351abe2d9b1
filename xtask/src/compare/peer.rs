//! A Python peer: a script under `benches/peers/` that answers one case after another.

use crate::setup;
use crate::shell::root;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running script.
pub struct Peer {
    script: &'static str,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Its packages' versions.
    pub versions: Value,
    /// The cases that it knows.
    pub cases: Vec<String>,
}

impl Peer {
    /// Installs what the script needs into `target/peers`, and starts it on the recordings in a folder.
    pub fn start(script: &'static str, requirements: &str, recordings: &Path) -> Result<Self, String> {
        let python = setup::peers(requirements)?;
        let mut process = Command::new(python)
            .arg(root().join("benches/peers").join(script))
            .arg(recordings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run {script}: {error}"))?;
        let questions = process.stdin.take().ok_or("no pipe")?;
        let answers = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        let mut peer = Self { script, process, questions, answers, versions: Value::Null, cases: Vec::new() };
        let greeting = peer.answer()?;
        peer.versions = greeting["versions"].clone();
        let cases = greeting["cases"].as_array().into_iter().flatten();
        peer.cases = cases.filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(peer)
    }

    /// Each peer's seconds per element.
    pub fn seconds(&mut self, case: &str) -> Result<Vec<(String, f64)>, String> {
        writeln!(self.questions, "{case}").map_err(|error| format!("{} does not listen: {error}", self.script))?;
        let answer = self.answer()?;
        let peers = answer.as_object().into_iter().flatten();
        Ok(peers.filter_map(|(peer, seconds)| Some((peer.clone(), seconds.as_f64()?))).collect())
    }

    fn answer(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).map_err(|error| format!("{}: {error}", self.script))?;
        if read == 0 {
            return Err(format!("{} ended; its last lines say why", self.script));
        }
        serde_json::from_str(&line).map_err(|error| format!("{} answered `{}`: {error}", self.script, line.trim()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
