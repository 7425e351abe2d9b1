//! Clients of the studio: many that watch, some that never end, some that leave, and strangers.

use super::Attack;
use super::mutate::Generator;
use super::program::{Program, wait};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A studio may take so long to end.
const LONGEST_END: Duration = Duration::from_secs(2);
/// Memory that half-sent uploads may cost, in kilobytes.
const MOST_MEMORY: u64 = 100 << 10;

/// An upload that does not go on is closed after at most so long.
const LONGEST_UPLOAD: Duration = Duration::from_secs(60);
/// Nobody works any longer than this for a client that has left.
const LONGEST_WORK: Duration = Duration::from_secs(5);

struct Studio {
    process: Child,
    address: String,
    token: String,
}

impl Studio {
    fn start(program: &Program, runs: &str) -> Result<Self, String> {
        let mut command = program.command(&["serve", "--port", "0", "--runs", runs]);
        let mut process = command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut line).map_err(|error| error.to_string())?;
        let link = line.split_whitespace().next().ok_or("the studio did not start")?;
        let (address, token) = link.trim_start_matches("http://").split_once("/?token=").ok_or("no token")?;
        Ok(Self { process, address: address.to_owned(), token: token.to_owned() })
    }

    fn connect(&self) -> Result<TcpStream, String> {
        let stream = TcpStream::connect(&self.address).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(Duration::from_secs(300))).map_err(|error| error.to_string())?;
        Ok(stream)
    }

    fn head(&self, method: &str, path: &str, length: usize) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nx-kanrl-studio: 1\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n",
            self.address, self.token
        )
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<TcpStream, String> {
        let mut stream = self.connect()?;
        let text = format!("{}{body}", self.head(method, path, body.len()));
        stream.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
        Ok(stream)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<(String, serde_json::Value), String> {
        let answer = answer(self.send(method, path, body)?);
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        Ok((status(head).to_owned(), serde_json::from_str(body).unwrap_or_default()))
    }

    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }

    /// Asks it to end; how long that took, and what is wrong with it.
    fn stop(mut self) -> Result<(Duration, Option<String>), String> {
        let begin = Instant::now();
        crate::shell::run("kill", &["-INT", &self.process.id().to_string()])?;
        let (status, is_late) = wait(&mut self.process, Duration::from_secs(30))?;
        let took = begin.elapsed();
        let harm = match status.code() {
            Some(0) if !is_late && took <= LONGEST_END => None,
            _ => Some(format!("it ended with {status} after {:.1} s", took.as_secs_f64())),
        };
        Ok((took, harm))
    }
}

fn answer(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Whether a connection is closed by the other side before its time limit.
fn is_closed(mut stream: TcpStream) -> bool {
    let mut part = [0; 4096];
    loop {
        match stream.read(&mut part) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }
}

fn status(answer: &str) -> &str {
    answer.split_whitespace().nth(1).unwrap_or("none")
}

pub fn watchers(program: &Program, count: usize) -> Result<Attack, String> {
    let studio = Studio::start(program, "watched")?;
    let settings = "[collect]\ntrain_episodes = 5\n[polish]\nenvironment_steps = 20000\n[select]\nepisodes = 5\n[evaluate]\nepisodes = 5\n";
    let form =
        serde_json::json!({ "environment": "CartPole-v1", "expert": "bundled", "hidden": "", "settings": settings });
    let (_, started) = studio.ask("POST", "/api/runs", &form.to_string())?;
    let id = started["id"].as_str().ok_or_else(|| format!("refused: {started}"))?.to_owned();
    let watching = (0..count).map(|_| studio.send("GET", &format!("/api/runs/{id}/events"), ""));
    let watching = watching.collect::<Result<Vec<_>, _>>()?;
    let heard: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            watching.into_iter().map(|stream| scope.spawn(|| answer(stream).contains("\"finished\""))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(false)).collect()
    });
    let deaf = heard.iter().filter(|heard| !**heard).count();
    let mut harms: Vec<String> =
        (deaf > 0).then(|| format!("{deaf} did not hear the end of the run")).into_iter().collect();
    let (took, harm) = studio.stop()?;
    harms.extend(harm);
    let outcomes =
        format!("{} heard the end of the run; the studio ended in {:.1} s", count - deaf, took.as_secs_f64());
    Ok(Attack { name: "pages that watch a run", count, outcomes, harms })
}

pub fn uploads(program: &Program, count: usize) -> Result<Attack, String> {
    let studio = Studio::start(program, "uploaded")?;
    studio.ask("GET", "/api/runs", "")?;
    let before = studio.memory();
    let head = studio.head("POST", "/api/experts?environment=CartPole-v1&name=a.zip", 32 << 20);
    let part = vec![0; 1 << 20];
    let mut most = 0;
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut stream = studio.connect()?;
        stream.set_write_timeout(Some(Duration::from_millis(200))).map_err(|error| error.to_string())?;
        let _ = stream.write_all(head.as_bytes());
        // Those that are refused are not read.
        let _ = (0..30).try_for_each(|_| stream.write_all(&part));
        most = most.max(studio.memory());
        clients.push(stream);
    }
    let cost = most.saturating_sub(before);
    let mut harms = Vec::new();
    if cost > MOST_MEMORY {
        harms.push(format!("{cost} kB of memory"));
    }
    let begin = Instant::now();
    let mut closed = 0;
    for client in clients {
        client.set_read_timeout(Some(LONGEST_UPLOAD)).map_err(|error| error.to_string())?;
        closed += usize::from(is_closed(client));
    }
    let waited = begin.elapsed();
    if closed < count {
        harms.push(format!("{} connections were not closed", count - closed));
    }
    let (_, list) = studio.ask("GET", "/api/runs", "")?;
    if !list.is_array() {
        harms.push(format!("no answer afterwards: {list}"));
    }
    harms.extend(studio.stop()?.1);
    let outcomes = format!("{} MB of memory at most, {closed} closed within {:.0} s", cost >> 10, waited.as_secs_f64());
    Ok(Attack { name: "half-sent uploads", count, outcomes, harms })
}

/// A studio's folder with a finished run in it, whose network has edges to pin functions on.
fn worked(program: &Program) -> Result<(), String> {
    let run = super::runs::whole(program)?;
    let folder = program.folder.join("worked");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    if folder.join("one").is_dir() {
        return Ok(());
    }
    let copied = std::process::Command::new("cp").arg("-r").arg(run).arg(folder.join("one")).status();
    copied.map(drop).map_err(|error| error.to_string())
}

pub fn abandoned_work(program: &Program, count: usize) -> Result<Attack, String> {
    worked(program)?;
    let studio = Studio::start(program, "worked")?;
    let (_, edge) = studio.ask("GET", "/api/runs/one/network/0", "")?;
    let function = edge["candidates"][0]["function"].as_str().ok_or_else(|| format!("no candidates: {edge}"))?;
    let pins: Vec<serde_json::Value> =
        (0..1000).map(|_| serde_json::json!({ "edge": 0, "function": function })).collect();
    let body = serde_json::json!({ "pins": pins }).to_string();
    let mut harms = Vec::new();
    let clients: Vec<_> =
        (0..count).map(|_| studio.send("POST", "/api/runs/one/pin", &body)).collect::<Result<_, _>>()?;
    let begin = Instant::now();
    let mut most = 0;
    while most == 0 && begin.elapsed() < LONGEST_WORK {
        most = workers();
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(clients);
    let begin = Instant::now();
    while workers() > 0 && begin.elapsed() < LONGEST_WORK {
        std::thread::sleep(Duration::from_millis(50));
    }
    let (idle, working) = (begin.elapsed(), workers());
    if working > 0 {
        harms.push(format!("{working} worked for clients that had left {:.0} s before", idle.as_secs_f64()));
    }
    let _left: Vec<_> = (0..count).map(|_| studio.send("POST", "/api/runs/one/pin", &body)).collect();
    std::thread::sleep(Duration::from_secs(1));
    let (took, harm) = studio.stop()?;
    harms.extend(harm);
    std::thread::sleep(Duration::from_millis(500));
    let workers = workers();
    if workers > 0 {
        harms.push(format!("{workers} workers are left"));
    }
    let outcomes = format!(
        "{most} or more worked; {working} did {:.1} s after their clients left; asked to end amid as many again, the studio took {:.1} s and left \
         {workers} at work",
        idle.as_secs_f64(),
        took.as_secs_f64()
    );
    Ok(Attack { name: "requests that compute, left alone", count: 2 * count, outcomes, harms })
}

/// Processes that do a studio's work.
fn workers() -> usize {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_worker = |entry: &std::fs::DirEntry| {
        std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| {
            String::from_utf8_lossy(&line).contains("/target/debug/kanrl\0")
                && String::from_utf8_lossy(&line).contains("\0studio-work\0")
        })
    };
    entries.filter(is_worker).count()
}

pub fn strangers(program: &Program, generator: &mut Generator, count: usize) -> Result<Attack, String> {
    worked(program)?;
    let studio = Studio::start(program, "worked")?;
    std::fs::write(program.folder.join("worked/secret.txt"), "the secret").map_err(|error| error.to_string())?;
    let up = ["..", "%2e%2e", "..%2f", "%252e%252e", "....", ".%2e", "..%5c", ".%00.", "/", "//"];
    let targets = ["secret.txt", "etc/passwd", ".studio/uploads", "config.toml", ".lock", "stages"];
    let places = ["/api/runs/one/files", "/api/runs", "/assets", "/api/films", "/api/environments"];
    let mut harms = Vec::new();
    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..count {
        let climb: Vec<&str> = (0..=generator.below(4)).map(|_| *generator.pick(&up)).collect();
        let path = format!("{}/{}/{}", generator.pick(&places), climb.join("/"), generator.pick(&targets));
        let (host, token) = match generator.below(3) {
            0 => (studio.address.as_str(), studio.token.as_str()),
            1 => ("evil.example:7860", studio.token.as_str()),
            _ => (studio.address.as_str(), "0000"),
        };
        let mut stream = studio.connect()?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
        let said = answer(stream);
        *statuses.entry(status(&said).to_owned()).or_default() += 1;
        let is_known = host == studio.address && token == studio.token;
        let leaks =
            said.contains("the secret") || said.contains("root:") || (!is_known && status(&said).starts_with('2'));
        if leaks || status(&said).starts_with('5') || status(&said) == "none" {
            harms.push(format!("{path}: {said}"));
        }
    }
    harms.extend(studio.stop()?.1);
    let statuses: Vec<String> = statuses.iter().map(|(status, count)| format!("{count} with {status}")).collect();
    let outcomes = format!("paths that climb, hosts of others, wrong tokens: answered {}", statuses.join(", "));
    Ok(Attack { name: "requests of strangers", count, outcomes, harms })
}
