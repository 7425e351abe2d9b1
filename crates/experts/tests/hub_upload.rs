//! Uploads to a server that speaks the hub's protocol, and back.
#![cfg(feature = "hub")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use kanrl_experts::hub::{Hub, HubConfig, Upload};
use kanrl_symbolic::{ActionRule, Formula};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What a hub has been given.
#[derive(Default)]
struct Store {
    files: BTreeMap<String, Vec<u8>>,
    /// Objects of Git LFS, by their digests.
    objects: BTreeMap<String, Vec<u8>>,
    requests: Vec<String>,
}

fn serve() -> (String, Arc<Mutex<Store>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let store = Arc::new(Mutex::new(Store::default()));
    let (own, shared) = (endpoint.clone(), store.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.expect("a connection"), &own, &shared);
        }
    });
    (endpoint, store)
}

fn answer(mut stream: TcpStream, endpoint: &str, store: &Mutex<Store>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let mut line = || {
        let mut text = String::new();
        reader.read_line(&mut text).expect("text");
        text.trim().to_owned()
    };
    let first = line();
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = line().split_once(": ") {
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let mut words = first.split(' ');
    let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
    let allowed = headers.get("authorization").is_some_and(|value| value == "Bearer hf_write");
    let mut store = store.lock().expect("no panic");
    store.requests.push(format!("{method} {path}"));
    let text = || serde_json::from_slice::<Value>(&body).expect("JSON");
    let (status, answer) = match (method, path) {
        ("POST", _) if !allowed => ("401 Unauthorized", json!({})),
        ("POST", "/api/repos/create") => {
            let request = text();
            assert_eq!((&request["organization"], &request["name"]), (&json!("me"), &json!("pole")));
            ("409 Conflict", json!({ "error": "You already created this model repo" }))
        }
        ("POST", "/api/models/me/pole/preupload/main") => {
            let request = text();
            let mode = |file: &Value| {
                let path = file["path"].as_str().expect("a path");
                json!({ "path": path, "uploadMode": if path.ends_with(".mp4") { "lfs" } else { "regular" }, "shouldIgnore": false })
            };
            let files: Vec<Value> = request["files"].as_array().expect("files").iter().map(mode).collect();
            ("200 OK", json!({ "files": files }))
        }
        ("POST", "/me/pole.git/info/lfs/objects/batch") => {
            let request = text();
            assert_eq!(request["hash_algo"], "sha256");
            let object = |object: &Value| {
                let oid = object["oid"].as_str().expect("a digest");
                json!({ "oid": oid, "size": object["size"], "actions": {
                    "upload": { "href": format!("{endpoint}/store/{oid}"), "header": { "x-signed": "yes" } },
                    "verify": { "href": format!("{endpoint}/verify") },
                } })
            };
            let objects: Vec<Value> = request["objects"].as_array().expect("objects").iter().map(object).collect();
            ("200 OK", json!({ "transfer": "basic", "objects": objects }))
        }
        ("PUT", path) => {
            assert!(headers.contains_key("x-signed") && !headers.contains_key("authorization"), "{headers:?}");
            let oid = path.strip_prefix("/store/").expect("a digest").to_owned();
            store.objects.insert(oid, body);
            ("200 OK", json!({}))
        }
        ("POST", "/verify") => ("200 OK", json!({})),
        ("POST", "/api/models/me/pole/commit/main") => {
            for line in String::from_utf8(body).expect("text").lines() {
                let entry: Value = serde_json::from_str(line).expect("JSON");
                let value = &entry["value"];
                let path = value["path"].as_str().unwrap_or_default().to_owned();
                match entry["key"].as_str().expect("a key") {
                    "header" => assert_eq!(value["summary"], "A test"),
                    "file" => {
                        let content = BASE64.decode(value["content"].as_str().expect("text")).expect("base64");
                        store.files.insert(path, content);
                    }
                    "lfsFile" => {
                        let object = store.objects[value["oid"].as_str().expect("a digest")].clone();
                        store.files.insert(path, object);
                    }
                    other => panic!("{other}"),
                }
            }
            ("200 OK", json!({ "commitUrl": format!("{endpoint}/me/pole/commit/{COMMIT}"), "commitOid": COMMIT }))
        }
        ("GET", "/api/models/me/pole/revision/main") => {
            let siblings: Vec<Value> = store.files.keys().map(|name| json!({ "rfilename": name })).collect();
            ("200 OK", json!({ "sha": COMMIT, "siblings": siblings }))
        }
        ("GET", path) => {
            let name = path.rsplit('/').next().expect("a name");
            let file = store.files.get(name).cloned().unwrap_or_default();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", file.len());
            stream.write_all(head.as_bytes()).expect("a connection");
            stream.write_all(&file).expect("a connection");
            return;
        }
        _ => ("404 Not Found", json!({})),
    };
    let answer = answer.to_string();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
    stream.write_all(format!("{head}{answer}").as_bytes()).expect("a connection");
}

fn files(formula: &Formula) -> Vec<Upload> {
    let file =
        |name: &str, bytes: Vec<u8>, sha256: &str| Upload { name: name.to_owned(), bytes, sha256: sha256.to_owned() };
    vec![
        file("README.md", b"# pole\n".to_vec(), "1"),
        file("formula.json", formula.to_json().into_bytes(), "2"),
        file("formula.mp4", vec![0, 1, 2, 255], "3"),
    ]
}

#[test]
fn what_is_uploaded_is_read_back() {
    let (endpoint, store) = serve();
    let cache = tempfile::tempdir().expect("a folder");
    let token = Some("hf_write".to_owned());
    let hub = Hub { endpoint: format!("{endpoint}/"), cache: cache.path().to_owned(), token, offline: false };
    let formula = Formula::parse(&["theta", "theta_dot"], &[("a", "3*theta + theta_dot")], ActionRule::Threshold);
    let formula = formula.expect("a formula");
    let commit = hub.upload("me/pole", false, &files(&formula), "A test").expect("a commit");
    assert_eq!(commit, format!("{endpoint}/me/pole/commit/{COMMIT}"));
    {
        let store = store.lock().expect("no panic");
        assert_eq!(store.files["formula.mp4"], [0, 1, 2, 255]);
        assert_eq!(store.files["README.md"], b"# pole\n");
        assert_eq!(store.objects.len(), 1, "only the video is stored apart");
        assert!(store.requests.contains(&"POST /verify".to_owned()), "{:?}", store.requests);
    }
    let read = hub.formula(&HubConfig::new("me/pole")).expect("a formula").expect("not an archive");
    assert_eq!(read, formula);
    assert!(hub.archive(&HubConfig::new("me/pole")).expect_err("not an archive").to_string().contains("a formula"));
}

#[test]
fn a_refusal_says_what_to_do() {
    let (endpoint, store) = serve();
    let cache = tempfile::tempdir().expect("a folder");
    let mut hub = Hub { endpoint, cache: cache.path().to_owned(), token: None, offline: false };
    let formula = Formula::parse(&["x"], &[("a", "x")], ActionRule::Threshold).expect("a formula");
    let error =
        |hub: &Hub| hub.upload("me/pole", false, &files(&formula), "A test").expect_err("a refusal").to_string();
    assert!(error(&hub).contains("HF_TOKEN"), "{}", error(&hub));
    hub.token = Some("hf_read".to_owned());
    assert!(error(&hub).contains("the token may write to me/pole"), "{}", error(&hub));
    assert!(store.lock().expect("no panic").files.is_empty());
}
