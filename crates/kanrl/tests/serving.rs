//! The studio under attack: plugins that crash, clients that leave, uploads that never end, strangers, and a server that is killed.
#![cfg(target_os = "linux")]

mod common;

use common::kanrl;
use kanrl_pipeline::run::RunStore;
use serde_json::{Value, json};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Studio {
    process: Child,
    /// `127.0.0.1:PORT`.
    address: String,
    token: String,
    runs: PathBuf,
    folder: tempfile::TempDir,
}

impl Studio {
    fn start(arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), arguments)
    }

    fn start_in(folder: tempfile::TempDir, arguments: &[&str]) -> Self {
        let runs = folder.path().join("runs");
        let mut command = Command::new(env!("CARGO_BIN_EXE_kanrl"));
        command.args(["serve", "--port", "0", "--runs"]).arg(&runs).args(arguments);
        command.env("KANRL_PLUGINS", folder.path().join("plugins"));
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let link = line.split_whitespace().next().expect("the studio says where it is");
        let (address, token) = link.trim_start_matches("http://").split_once('/').unwrap();
        let token = token.trim_start_matches("?token=").to_owned();
        Self { process, address: address.to_owned(), token, runs, folder }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        stream
    }

    fn head(&self, method: &str, path: &str, length: usize) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nx-kanrl-studio: 1\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n",
            self.address, self.token
        )
    }

    /// Sends a request and waits for no answer.
    fn send(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(self.head(method, path, body.len()).as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        stream
    }

    fn get(&self, path: &str) -> Value {
        json_of(&answer(self.send("GET", path, "")))
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        json_of(&answer(self.send("POST", path, &body.to_string())))
    }

    fn signal(&self, name: &str) {
        Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap();
    }

    /// Kilobytes of memory that the server has.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn answer(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn json_of(answer: &str) -> Value {
    let body = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer}")).1;
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn status(answer: &str) -> &str {
    answer.split_whitespace().nth(1).unwrap_or("none")
}

#[track_caller]
fn until(what: &str, patience: Duration, mut is: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < patience, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Processes that do the studio's work, by what stands in their command lines.
fn workers(folder: &Path, word: &str) -> usize {
    let lines = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        // A zombie has none.
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let place = std::fs::read(entry.path().join("environ")).ok()?;
        let variable = folder.join("plugins").display().to_string().into_bytes();
        place.windows(variable.len()).any(|part| part == variable).then(|| String::from_utf8_lossy(&line).into_owned())
    });
    lines.filter(|line| line.contains(word)).count()
}

/// A run with a hidden layer, whose curves can be pinned.
const CONFIG: &str = "\
environment.id = 'CartPole-v1'
students = { widths = [[2]], rivals = false }
collect = { train_episodes = 8, validation_episodes = 2 }
approximator.steps = 10
symbolify.refit_steps = 3
dagger.rounds = 0
polish.enabled = false
select.episodes = 2
evaluate = { episodes = 2, robustness_episodes = 0 }
record.videos = false
";

fn finished_run(folder: &Path) {
    std::fs::write(folder.join("run.toml"), CONFIG).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let output = kanrl(&["extract", "--config", &path("run.toml"), "--out", &path("runs/one")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn work_ends_with_its_client_and_the_studio_when_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    finished_run(folder.path());
    let mut studio = Studio::start_in(folder, &[]);
    let place = studio.folder.path().to_owned();
    // What is pinned twice is pinned once.
    let edge = studio.get("/api/runs/one/network/0");
    let function = edge["candidates"][0]["function"].as_str().unwrap();
    let pins: Vec<Value> = (0..1000).map(|_| json!({ "edge": 0, "function": function })).collect();
    let begin = Instant::now();
    let answer = studio.post("/api/runs/one/pin", &json!({ "pins": pins }));
    assert!(answer["returns"]["mean"].is_number() && answer["film"].is_string(), "{answer}");
    let once = begin.elapsed();
    let pinned = studio.post("/api/runs/one/pin", &json!({ "pins": [pins[0]] }));
    assert_eq!(pinned["formula"], answer["formula"]);
    assert!(once < Duration::from_secs(60), "{once:?}");
    // Thirty clients: most wait, some are told to come later; all leave.
    let body = json!({ "pins": [pins[0]] }).to_string();
    let clients: Vec<TcpStream> = (0..30).map(|_| studio.send("POST", "/api/runs/one/pin", &body)).collect();
    until("two of them work", Duration::from_secs(20), || workers(&place, "studio-work") == 2);
    drop(clients);
    until("nothing works for nobody", Duration::from_secs(5), || workers(&place, "studio-work") == 0);
    // Asked to end in the midst of work, it does.
    let _clients: Vec<TcpStream> = (0..4).map(|_| studio.send("POST", "/api/runs/one/pin", &body)).collect();
    until("two of them work again", Duration::from_secs(20), || workers(&place, "studio-work") == 2);
    let begin = Instant::now();
    studio.signal("-INT");
    assert!(studio.process.wait().unwrap().success());
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    until("no worker is left", Duration::from_secs(2), || workers(&place, "studio-work") == 0);
}

fn form(environment: &str, settings: &str) -> Value {
    json!({ "environment": environment, "expert": "bundled", "hidden": "", "settings": settings })
}

#[test]
fn a_server_that_is_killed_or_stopped_leaves_no_run_behind() {
    let mut studio = Studio::start(&[]);
    let long = "[collect]\ntrain_episodes = 5\n[polish]\nenvironment_steps = 1000000000\n";
    let id = studio.post("/api/runs", &form("CartPole-v1", long))["id"].as_str().unwrap().to_owned();
    let run = studio.runs.join(&id);
    let is_in_use = || RunStore::open(&run).is_ok_and(|run| run.is_in_use());
    until("it runs", Duration::from_secs(60), is_in_use);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&studio.runs), mode(&run), mode(&run.join("config.toml"))), (0o700, 0o700, 0o600));
    studio.process.kill().unwrap();
    studio.process.wait().unwrap();
    until("nothing runs any more", Duration::from_secs(2), || !is_in_use());
    let folder = std::mem::replace(&mut studio.folder, tempfile::tempdir().unwrap());
    let mut next = Studio::start_in(folder, &[]);
    assert_eq!(next.get("/api/runs")[0]["state"], json!({ "state": "interrupted" }));
    next.post(&format!("/api/runs/{id}/resume"), &json!({}));
    let run = next.runs.join(&id);
    let is_in_use = || RunStore::open(&run).is_ok_and(|run| run.is_in_use());
    until("it goes on", Duration::from_secs(60), is_in_use);
    let begin = Instant::now();
    next.signal("-TERM");
    assert!(next.process.wait().unwrap().success());
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert!(!is_in_use());
}

#[test]
fn a_plugin_that_crashes_takes_nothing_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = std::env::current_exe().unwrap();
    let plugin = plugin.parent().unwrap().join(format!("{DLL_PREFIX}kanrl_plugin_tests{DLL_SUFFIX}"));
    let studio = Studio::start_in(folder, &["--plugin", plugin.to_str().unwrap()]);
    let environments = studio.get("/api/environments");
    let is_there = |id: &str| environments.as_array().unwrap().iter().any(|environment| environment["id"] == id);
    assert!(is_there("CartPole-v1") && is_there("Faulty-v0"), "{environments}");
    // A run whose plugin crashes has failed, and says which.
    let crashing = "[environment]\nid = 'Faulty-v0'\narguments = { place = 'step', fault = 'crash', after = 3 }\n\
                    [expert]\nkind = 'formula'\nexpression = 'count'\n";
    let run = studio.runs.join("crashing");
    std::fs::create_dir(&run).unwrap();
    std::fs::write(run.join("config.toml"), crashing).unwrap();
    studio.post("/api/runs/crashing/resume", &json!({}));
    let mut state = Value::Null;
    until("it has failed", Duration::from_secs(60), || {
        state = studio.get("/api/runs/crashing")["state"].clone();
        state["state"] == "failed"
    });
    let words = state["error"].as_str().unwrap();
    assert!(words.contains("kanrl_plugin_tests") && words.contains("SIGABRT"), "{words}");
    drop(studio);
    // One that crashes when it is loaded is said in the list.
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("evil.c");
    std::fs::write(&source, "__attribute__((constructor)) static void start(void) { *(volatile int *)0 = 1; }\n")
        .unwrap();
    let evil = folder.path().join("evil.so");
    if !Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&evil, &source]).status().is_ok_and(|it| it.success())
    {
        return eprintln!("skipped: no C compiler");
    }
    let studio = Studio::start_in(folder, &["--plugin", evil.to_str().unwrap()]);
    for _ in 0..2 {
        let environments = studio.get("/api/environments");
        let problem = environments.as_array().unwrap().iter().find_map(|environment| environment["error"].as_str());
        assert!(problem.unwrap().contains("evil.so") && problem.unwrap().contains("SIGSEGV"), "{problem:?}");
        assert!(environments.as_array().unwrap().iter().any(|environment| environment["id"] == "CartPole-v1"));
    }
}

#[test]
fn uploads_that_never_end_cost_little_and_are_over_in_the_end() {
    let studio = Studio::start(&[]);
    studio.get("/api/runs");
    let before = studio.memory();
    let head = studio.head("POST", "/api/experts?environment=CartPole-v1&name=a.zip", 32 << 20);
    let part = vec![0; 1 << 20];
    let mut clients: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = studio.connect();
            stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            // Those that are refused are not read.
            let _ = (0..16).try_for_each(|_| stream.write_all(&part));
            stream
        })
        .collect();
    let more = studio.memory().saturating_sub(before);
    assert!(more < 100 << 10, "{more} kB for forty half-sent uploads");
    // Headers that never end.
    let mut idle = studio.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: 127.").unwrap();
    let begin = Instant::now();
    assert!(["", "408"].contains(&answer(idle).split_whitespace().nth(1).unwrap_or_default()));
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    for client in &mut clients {
        let said = answer(client.try_clone().unwrap());
        assert!(["408", "503", "none"].contains(&status(&said)), "{said}");
    }
    drop(clients);
    let archive = concat!(env!("CARGO_MANIFEST_DIR"), "/../experts/tests/fixtures/agents/ppo/CartPole-v1.zip");
    let archive = std::fs::read(archive).unwrap();
    let mut stream = studio.connect();
    let head = studio.head("POST", "/api/experts?environment=CartPole-v1&name=a.zip", archive.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&archive).unwrap();
    assert_eq!(status(&answer(stream)), "200");
    assert_eq!(std::fs::read_dir(studio.runs.join(".studio/uploads")).unwrap().count(), 1, "nothing half-sent is left");
}

#[test]
fn strangers_are_refused() {
    let studio = Studio::start(&["--token", "let-me-in.please"]);
    assert_eq!(studio.token, "let-me-in.please");
    let ask = |path: &str, header: &str| {
        let mut stream = studio.connect();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{header}connection: close\r\n\r\n", studio.address);
        stream.write_all(request.as_bytes()).unwrap();
        answer(stream)
    };
    for path in ["/", "/api/runs", "/assets/app.js", "/?token=let-me-in", "/api/runs?token=let-me-in.please"] {
        assert_eq!(status(&ask(path, "")), "401", "{path}");
    }
    assert_eq!(status(&ask("/api/runs", "authorization: Bearer nonsense\r\n")), "401");
    let introduced = ask("//evil.example/?token=let-me-in.please", "");
    assert_eq!(status(&introduced), "303");
    assert!(introduced.contains("location: /evil.example/\r\n"), "{introduced}");
    let cookie = introduced.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(status(&ask("/api/runs", &format!("cookie: a=b; {cookie}\r\n"))), "200");
    let serve = |arguments: &[&str]| kanrl(&[&["serve", "--port", "0"], arguments].concat()).output().unwrap();
    let output = serve(&["--host", "0.0.0.0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--public"));
    assert_eq!(serve(&["--token", "short"]).status.code(), Some(2));
    let studios = [Studio::start(&[]), Studio::start(&[])];
    assert!(studios[0].token.len() == 48 && studios[0].token != studios[1].token);
    let open = Studio::start(&["--public"]);
    assert_eq!((open.token.as_str(), open.get("/api/runs")), ("", json!([])));
}
