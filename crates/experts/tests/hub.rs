//! The hub's client against a server that speaks the hub's protocol.
#![cfg(feature = "hub")]

use kanrl_core::policy::{ExpertPolicy, Policy};
use kanrl_experts::hub::{Hub, HubConfig};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A hub with one repository, `sb3/ppo-Test-v1`; remembers what it was asked.
struct Server {
    endpoint: String,
    requests: Arc<Mutex<Vec<String>>>,
}

fn agent(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents/ppo").join(name)
}

fn serve() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.expect("a connection"), &seen);
        }
    });
    Server { endpoint, requests }
}

fn answer(mut stream: TcpStream, seen: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
    let first = lines.next().expect("a request").expect("text");
    let headers: Vec<String> = lines.map(|line| line.expect("text")).take_while(|line| !line.is_empty()).collect();
    let authorization = headers.iter().find(|header| header.to_lowercase().starts_with("authorization:"));
    let path = first.split(' ').nth(1).expect("a path").to_owned();
    seen.lock()
        .expect("no panic")
        .push(format!("{path} {}", authorization.map_or("", |header| &**header)).trim().into());
    let listing = format!(
        r#"{{"id":"sb3/ppo-Test-v1","sha":"{COMMIT}","siblings":[{{"rfilename":"README.md"}},
            {{"rfilename":"ppo-Test-v1.zip"}},{{"rfilename":"vec_normalize.pkl"}},{{"rfilename":"replay.mp4"}}]}}"#
    );
    let file = |name: &str| std::fs::read(agent(name)).expect("a fixture");
    let (status, headers, body) = match path.as_str() {
        "/api/models/sb3/ppo-Test-v1/revision/main" => ("200 OK", String::new(), listing.into_bytes()),
        path if path == format!("/sb3/ppo-Test-v1/resolve/{COMMIT}/ppo-Test-v1.zip") => (
            "302 Found",
            format!("Location: /cdn/archive\r\nX-Repo-Commit: {COMMIT}\r\nX-Linked-ETag: \"77\"\r\n"),
            Vec::new(),
        ),
        path if path == format!("/sb3/ppo-Test-v1/resolve/{COMMIT}/vec_normalize.pkl") => {
            ("200 OK", format!("X-Repo-Commit: {COMMIT}\r\nETag: \"78\"\r\n"), file("Pendulum-v1.vecnormalize.pkl"))
        }
        "/cdn/archive" => ("200 OK", String::new(), file("Pendulum-v1.zip")),
        _ => ("404 Not Found", String::new(), b"Repository not found".to_vec()),
    };
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).expect("a connection");
    stream.write_all(&body).expect("a connection");
}

#[test]
fn a_repository_is_asked_for_once_and_used_offline_after_that() {
    let (server, cache) = (serve(), tempfile::tempdir().expect("a folder"));
    let mut hub = Hub {
        endpoint: format!("{}/", server.endpoint),
        cache: cache.path().to_owned(),
        token: Some("hf_secret".into()),
        offline: false,
    };
    let config = HubConfig::new("sb3/ppo-Test-v1");
    let policy = hub.archive(&config).and_then(|archive| archive.standalone(None)).expect("a policy");
    assert_eq!(policy.source(), format!("hub:sb3/ppo-Test-v1@{COMMIT}"));
    assert_eq!(policy.observation_size(), 3);
    assert!(policy.normalization().is_some());

    let requests = std::mem::take(&mut *server.requests.lock().expect("no panic"));
    let paths: Vec<&str> = requests.iter().map(|request| request.split(' ').next().expect("a path")).collect();
    assert_eq!(
        paths,
        [
            "/api/models/sb3/ppo-Test-v1/revision/main".to_owned(),
            format!("/sb3/ppo-Test-v1/resolve/{COMMIT}/vec_normalize.pkl"),
            format!("/sb3/ppo-Test-v1/resolve/{COMMIT}/ppo-Test-v1.zip"),
            "/cdn/archive".to_owned(),
        ]
    );
    assert!(requests[0].to_lowercase().ends_with("authorization: bearer hf_secret"), "{}", requests[0]);
    // Hugging Face's own layout.
    let folder = cache.path().join("models--sb3--ppo-Test-v1");
    assert_eq!(std::fs::read_to_string(folder.join("refs/main")).expect("a reference"), COMMIT);
    assert!(folder.join("snapshots").join(COMMIT).join("ppo-Test-v1.zip").is_file());

    hub.offline = true;
    hub.endpoint = "http://127.0.0.1:1".into();
    let again = hub.archive(&config).and_then(|archive| archive.standalone(None)).expect("a policy");
    assert_eq!(again.network(), policy.network());
    assert!(server.requests.lock().expect("no panic").is_empty());
}

#[test]
fn failures_say_what_to_do() {
    let (server, cache) = (serve(), tempfile::tempdir().expect("a folder"));
    let mut hub = Hub { endpoint: server.endpoint.clone(), cache: cache.path().into(), token: None, offline: false };
    let error = |hub: &Hub, name: &str| hub.archive(&HubConfig::new(name)).expect_err("a refusal").to_string();
    assert_eq!(
        error(&hub, "sb3/unknown"),
        format!(
            "policy `hub:sb3/unknown`: the hub does not show {}/api/models/sb3/unknown/revision/main; check the name \
             and, for a private repository, set HF_TOKEN",
            server.endpoint
        )
    );
    assert!(error(&hub, "../etc").contains("expected ORG/REPO"), "{}", error(&hub, "../etc"));
    hub.endpoint = "http://127.0.0.1:1".into();
    let message = error(&hub, "sb3/ppo-Test-v1");
    assert!(message.starts_with("policy `hub:sb3/ppo-Test-v1`: cannot reach http://127.0.0.1:1/api/"), "{message}");
    assert!(message.ends_with("connect once, or download the archive and use FILE.zip"), "{message}");
    hub.offline = true;
    assert!(error(&hub, "sb3/ppo-Test-v1").ends_with("and HF_HUB_OFFLINE is set"));
    assert!(std::fs::read_dir(cache.path()).expect("a folder").next().is_none());
}
