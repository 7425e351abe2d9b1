//! Whether a run is slower while many pages watch it: `cargo run --release --example watchers -p kanrl-studio -- KANRL`.
//!
//! Runs of CartPole-v1 without and with 50 watchers take turns on one studio; what is compared is the sum of their
//! stages' times.

use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::run::{RunFile, RunStore};
use kanrl_studio::{Options, Studio};
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const WATCHERS: usize = 50;
const ROUNDS: usize = 5;
const FORM: &str =
    r#"{"environment":"CartPole-v1","expert":"bundled","hidden":"2","settings":"[evaluate]\nepisodes = 1000"}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let program = std::env::args_os().nth(1).ok_or("the path of the program kanrl is missing")?;
    let folder = tempfile::tempdir()?;
    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments)?;
    let runs = folder.path().join("runs");
    let studio =
        Studio::open(Options { runs: runs.clone(), token: None, ..Options::new(program.into()) }, environments)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(studio.serve(listener, std::future::pending()));
    let mut sums = [0.0, 0.0];
    for round in 0..ROUNDS {
        for (sum, watchers) in sums.iter_mut().zip([0, WATCHERS]) {
            let (seconds, bytes) = run(address, &runs, watchers).await?;
            println!("round {round}: {watchers:>2} watchers, {seconds:.2} s, {bytes} bytes sent");
            *sum += seconds;
        }
    }
    println!("with {WATCHERS} watchers a run takes {:.3} times as long as with none", sums[1] / sums[0]);
    Ok(())
}

/// Seconds of all stages of a run, and the bytes that its watchers got.
async fn run(address: SocketAddr, runs: &Path, watchers: usize) -> Result<(f64, usize), Box<dyn Error>> {
    let request = format!(
        "POST /api/runs HTTP/1.1\r\nhost: {address}\r\nx-kanrl-studio: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{FORM}",
        FORM.len()
    );
    let answer = exchange(address, request).await?;
    let body = answer.split("\r\n\r\n").nth(1).ok_or("an answer without a body")?;
    let answer: serde_json::Value = serde_json::from_str(body)?;
    let id = answer["id"].as_str().ok_or_else(|| format!("refused: {answer}"))?.to_owned();
    let watch = format!("GET /api/runs/{id}/events HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let watching: Vec<_> = (0..watchers).map(|_| tokio::spawn(exchange(address, watch.clone()))).collect();
    let run = RunStore::open(runs.join(&id))?;
    while !run.has(RunFile::Timings) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut bytes = 0;
    for watcher in watching {
        let text = watcher.await??;
        if !text.contains("\"finished\"") {
            return Err("a watcher did not hear the end".into());
        }
        bytes += text.len();
    }
    let timings: serde_json::Value = run.read_json(RunFile::Timings)?;
    let seconds = timings["seconds"].as_object().ok_or("no timings")?.values().filter_map(serde_json::Value::as_f64);
    Ok((seconds.sum(), bytes))
}

async fn exchange(address: SocketAddr, request: String) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
