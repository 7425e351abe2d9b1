//! The HTTP interface, with a shell script in place of the extracting program.

#![cfg(unix)]

mod common;

use axum::http::{StatusCode, header};
use common::{Server, body, get, post};
use kanrl_pipeline::run::RunFile;
use serde_json::{Value, json};
use std::time::Duration;

fn form(hidden: &str) -> Value {
    json!({ "environment": "CartPole-v1", "expert": "bundled", "hidden": hidden, "steps": "", "seed": "", "settings": "" })
}

#[tokio::test]
async fn the_page_and_its_files_are_served_under_a_strict_policy() {
    let server = Server::new("exit 0");
    for path in ["/", "/runs", "/runs/some-run", "/assets/app.js", "/assets/style.css"] {
        let response = server.send(get(path)).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
    for path in ["/assets/../Cargo.toml", "/assets/%2e%2e%2fCargo.toml", "/assets/nothing.js", "/etc/passwd"] {
        assert_eq!(server.send(get(path)).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn no_path_outside_a_run_is_served() {
    let server = Server::new("exit 0");
    let run = server.finished_run("one");
    std::fs::write(server.runs.join("secret.txt"), "secret").unwrap();
    std::fs::write(run.join("private.key"), "secret").unwrap();
    std::os::unix::fs::symlink(server.runs.join("secret.txt"), run.join(RunFile::Latex.name())).unwrap();
    std::os::unix::fs::symlink("/etc", server.runs.join("etc")).unwrap();
    let file = |run: &str| format!("/api/runs/{run}/files/{}", RunFile::Metrics);
    assert_eq!(server.send(get(&file("one"))).await.status(), StatusCode::OK);
    let link = format!("/api/runs/one/files/{}", RunFile::Latex);
    let outside = [
        "/api/runs/one/files/private.key",
        "/api/runs/one/files/stages",
        "/api/runs/one/files/.lock",
        "/api/runs/one/files/..%2Fsecret.txt",
        "/api/runs/one/files/%2e%2e%2fsecret.txt",
        "/api/runs/one/files/..%2F..%2F..%2Fetc%2Fpasswd",
        "/api/runs/../runs/one/files/private.key",
        "/api/runs/etc/files/passwd",
        "/api/runs/etc/archive.zip",
    ];
    for path in outside.map(str::to_owned).into_iter().chain(["%2e%2e", ".studio", "one%00"].map(file)).chain([link]) {
        let response = server.send(get(&path)).await;
        let status = response.status();
        assert!(matches!(status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST), "{path}: {status}");
        assert!(!body(response).await.windows(6).any(|bytes| bytes == b"secret"), "{path}");
    }
}

#[tokio::test]
async fn a_proof_card_is_shown_as_long_as_it_is_about_the_run_s_formula() {
    let server = Server::new("exit 0");
    let run = server.finished_run("one");
    let formula = |text: &str| {
        kanrl_symbolic::Formula::parse(&["theta"], &[("a", text)], kanrl_symbolic::ActionRule::Threshold).unwrap()
    };
    let own = formula("3*theta");
    std::fs::write(run.join(RunFile::Formula.name()), own.to_json()).unwrap();
    let line = json!({ "subject": "finite", "certainty": "proved", "text": "it is", "values": null });
    let card = json!({ "formula": own.to_string(), "lines": [line] });
    std::fs::write(run.join(RunFile::Proof.name()), card.to_string()).unwrap();
    let proof = async || server.json(get("/api/runs/one")).await["proof"].clone();
    assert_eq!(proof().await, card);
    std::fs::write(run.join(RunFile::Formula.name()), formula("4*theta").to_json()).unwrap();
    assert_eq!(proof().await, Value::Null);
}

#[tokio::test]
async fn requests_of_other_sites_are_refused() {
    let server = Server::new("test \"$1\" = config && exit 0; sleep 30");
    let refused = [
        post("/api/runs", &form("2")).header(header::ORIGIN, "http://evil.example"),
        post("/api/runs", &form("2")).header(header::ORIGIN, "http://127.0.0.1:80"),
        post("/api/runs", &form("2")).header(header::ORIGIN, "null"),
        post("/api/runs", &form("2")).header("sec-fetch-site", "cross-site"),
        get("/api/runs").header("sec-fetch-site", "same-site"),
    ];
    for request in refused {
        assert_eq!(server.send(request).await.status(), StatusCode::FORBIDDEN);
    }
    let mut without_header = post("/api/runs", &form("2")).body(axum::body::Body::from("{}")).unwrap();
    without_header.headers_mut().remove("x-kanrl-studio");
    assert_eq!(server.send_whole(without_header).await.status(), StatusCode::FORBIDDEN);
    for path in ["/", "/api/runs"] {
        let mut rebound = get(path).body(axum::body::Body::empty()).unwrap();
        rebound.headers_mut().insert(header::HOST, "evil.example:7860".parse().unwrap());
        assert_eq!(server.send_whole(rebound).await.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(server.json(get("/api/runs")).await, json!([]));
    let own = post("/api/runs", &form("2")).header(header::ORIGIN, "http://127.0.0.1:7860");
    assert_eq!(server.send(own).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn wrong_fields_are_explained_where_they_are() {
    let server = Server::new("exit 0");
    let wrong = [
        (json!({ "hidden": "two" }), "hidden", "`two`"),
        (json!({ "hidden": "2,,2" }), "hidden", "missing"),
        (json!({ "hidden": "1000" }), "hidden", "1 to 64"),
        (json!({ "steps": "0" }), "steps", "whole number"),
        (json!({ "seed": "-1" }), "seed", "at least 0"),
        (json!({ "environment": "CartPole-v7" }), "environment", "CartPole-v1"),
        (json!({ "expert": "../../etc/passwd" }), "expert", "upload"),
        (json!({ "settings": "[expert]\nkind = 'sb3'\npath = '/etc/passwd'" }), "settings", "cannot be set"),
        (json!({ "settings": "[[plugins]]\npath = 'evil.so'" }), "settings", "cannot be set"),
        (json!({ "settings": "[collect]\ntrain_episode = 3" }), "settings", "train_episodes"),
        (json!({ "settings": "[collect" }), "settings", ""),
    ];
    for (change, field, word) in wrong {
        let mut form = form("2");
        for (name, value) in change.as_object().unwrap() {
            form[name] = value.clone();
        }
        let response = server.send(post("/api/runs", &form)).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{change}");
        let answer: Value = serde_json::from_slice(&body(response).await).unwrap();
        let words = answer["fields"][field].as_str().unwrap_or_else(|| panic!("{change}: {answer}"));
        assert!(words.contains(word), "{change}: {words}");
    }
    assert_eq!(server.json(get("/api/runs")).await, json!([]), "nothing is left behind");
}

#[tokio::test]
async fn what_the_program_refuses_is_said_in_words_and_leaves_nothing_behind() {
    let server = Server::new("test \"$1\" = config && echo '  × no memory for that' >&2 && exit 2; exit 0");
    let answer = server.json(post("/api/runs", &form("2"))).await;
    assert_eq!(answer["fields"]["settings"], "no memory for that");
    assert_eq!(server.json(get("/api/runs")).await, json!([]));
}

#[tokio::test]
async fn a_start_that_is_abandoned_leaves_no_run_behind() {
    let server = Server::new("test \"$1\" = config && sleep 0.5; exit 0");
    for _ in 0..4 {
        // The client goes while its config is being checked.
        let form = form("2");
        let start = server.send(post("/api/runs", &form));
        assert!(tokio::time::timeout(Duration::from_millis(100), start).await.is_err());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.json(get("/api/runs")).await, json!([]));
    let left = std::fs::read_dir(&server.runs).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert!(left.iter().all(|name| name == ".studio"), "{left:?}");
    // One that waits for its answer still begins.
    let id = server.json(post("/api/runs", &form("2"))).await["id"].as_str().unwrap().to_owned();
    assert!(server.runs.join(id).is_dir());
}

#[tokio::test]
async fn starts_at_once_do_not_overfill_the_queue() {
    let server = Server::new("test \"$1\" = config && sleep 0.2 && exit 0; sleep 60");
    let start = async || server.send(post("/api/runs", &form("2"))).await.status();
    let all = futures_util::future::join_all((0..8).map(|_| start())).await;
    let begun = all.iter().filter(|status| **status == StatusCode::CREATED).count();
    // One runs and two wait.
    assert_eq!((begun, server.json(get("/api/runs")).await.as_array().unwrap().len()), (3, 3), "{all:?}");
}

#[tokio::test]
async fn bodies_have_limits() {
    let server = Server::new("exit 0");
    let mut large = form("2");
    large["settings"] = json!("#".repeat(300 << 10));
    assert_eq!(server.send(post("/api/runs", &large)).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let upload = common::upload("CartPole-v1", vec![0; (32 << 20) + 1]);
    let response = server.send_whole(upload).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let answer: Value = serde_json::from_slice(&body(response).await).unwrap();
    assert!(answer["error"].as_str().unwrap().contains("larger than 32768 kB"), "{answer}");
    let garbage = post("/api/runs", &json!([1, 2])).body(axum::body::Body::from("{\"environment\": 3")).unwrap();
    assert_eq!(server.send_whole(garbage).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn an_archive_is_checked_and_kept_by_its_hash() {
    let server = Server::new("exit 0");
    let archive = include_bytes!("../../experts/tests/fixtures/agents/ppo/CartPole-v1.zip").to_vec();
    let refused =
        [("CartPole-v1", b"PK no zip".to_vec()), ("Pendulum-v1", archive.clone()), ("CartPole-v7", archive.clone())];
    for (environment, bytes) in refused {
        let response = server.send_whole(common::upload(environment, bytes)).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{environment}");
        let answer: Value = serde_json::from_slice(&body(response).await).unwrap();
        assert!(answer["error"].as_str().unwrap().len() > 20, "{answer}");
    }
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let response = server.send_whole(common::upload("CartPole-v1", archive.clone())).await;
        assert_eq!(response.status(), StatusCode::OK);
        let answer: Value = serde_json::from_slice(&body(response).await).unwrap();
        hashes.push(answer["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(hashes[0], hashes[1]);
    let mut form = form("2");
    form["expert"] = json!(hashes[0]);
    let id = server.json(post("/api/runs", &form)).await["id"].as_str().unwrap().to_owned();
    let config = std::fs::read_to_string(server.runs.join(id).join(RunFile::Config.name())).unwrap();
    assert!(config.contains("kind = \"sb3\"") && config.contains(&hashes[0]), "{config}");
}

#[tokio::test]
async fn the_queue_has_a_limit_and_every_run_can_be_cancelled() {
    // Checks pass at once; an extraction goes on until it is interrupted.
    let server = Server::new("test \"$1\" = config && exit 0; trap 'exit 130' INT; sleep 60 & wait");
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(server.json(post("/api/runs", &form("2"))).await["id"].as_str().unwrap().to_owned());
    }
    let response = server.send(post("/api/runs", &form("2"))).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let state = async |id: &str| server.json(get(&format!("/api/runs/{id}"))).await["state"].clone();
    assert_eq!(state(&ids[0]).await, json!({ "state": "running", "here": true }));
    assert_eq!(state(&ids[2]).await, json!({ "state": "queued", "position": 2 }));
    let cancel = async |id: &str| server.send(post(&format!("/api/runs/{id}/cancel"), &json!({}))).await.status();
    assert_eq!(cancel(&ids[2]).await, StatusCode::OK);
    assert_eq!(state(&ids[2]).await, json!({ "state": "cancelled" }));
    assert_eq!(cancel(&ids[0]).await, StatusCode::OK);
    server.until(&ids[0], json!({ "state": "cancelled" })).await;
    server.until(&ids[1], json!({ "state": "running", "here": true })).await;
    assert_eq!(cancel(&ids[0]).await, StatusCode::CONFLICT);
    let resume = server.send(post(&format!("/api/runs/{}/resume", ids[0]), &json!({}))).await;
    assert_eq!(resume.status(), StatusCode::OK);
    assert_eq!(state(&ids[0]).await, json!({ "state": "queued", "position": 1 }));
    // A new studio on the same folder still knows them.
    let list = server.again().json(get("/api/runs")).await;
    assert_eq!(list.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_failed_run_says_why() {
    let server = Server::new("test \"$1\" = config && exit 0; echo '  × stage `fit` failed' >&2; exit 1");
    let id = server.json(post("/api/runs", &form(""))).await["id"].as_str().unwrap().to_owned();
    server.until(&id, json!({ "state": "failed", "error": "stage `fit` failed" })).await;
    assert_eq!(server.again().json(get("/api/runs")).await[0]["state"]["error"], "stage `fit` failed");
}

#[tokio::test]
async fn events_are_told_from_the_beginning_to_the_end() {
    let server = Server::new("exit 0");
    let run = server.finished_run("one");
    std::fs::write(run.join(RunFile::Events.name()), "{\"event\":\"message\",\"stage\":\"fit\",\"text\":\"hello\"}\n")
        .unwrap();
    let text = String::from_utf8(body(server.send(get("/api/runs/one/events")).await).await).unwrap();
    let events: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let events: Vec<&Value> = events.iter().flat_map(|list| list.as_array().unwrap()).collect();
    assert_eq!(events.len(), 3, "{text}");
    assert_eq!(events[0]["event"], "beginning");
    assert_eq!(events[1]["text"], "hello");
    assert_eq!(events[2]["state"], json!({ "state": "finished" }));
}

#[tokio::test]
async fn reports_are_shown_in_a_sandbox_and_videos_in_parts() {
    let server = Server::new("exit 0");
    let run = server.finished_run("one");
    std::fs::write(run.join(RunFile::Report.name()), "<script>fetch('/api/runs')</script>").unwrap();
    std::fs::write(run.join(RunFile::FormulaVideo.name()), "0123456789").unwrap();
    let report = server.send(get(&format!("/api/runs/one/files/{}", RunFile::Report))).await;
    let policy = report.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.starts_with("sandbox") && !policy.contains("allow-same-origin") && !policy.contains("connect-src"),
        "{policy}"
    );
    let part = server
        .send(get(&format!("/api/runs/one/files/{}", RunFile::FormulaVideo)).header(header::RANGE, "bytes=2-4"))
        .await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()[header::CONTENT_RANGE], "bytes 2-4/10");
    assert_eq!(body(part).await, b"234");
}

#[tokio::test]
async fn a_run_comes_as_a_zip_without_links() {
    let server = Server::new("exit 0");
    let run = server.finished_run("one");
    std::fs::create_dir_all(run.join("stages/fit")).unwrap();
    std::fs::write(run.join("stages/fit/stage.json"), vec![b'x'; 200_000]).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", run.join("passwd")).unwrap();
    let bytes = body(server.send(get("/api/runs/one/archive.zip")).await).await;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut names: Vec<String> = zip.file_names().map(str::to_owned).collect();
    names.sort();
    assert_eq!(
        names,
        [RunFile::Config.name(), RunFile::Metrics.name(), "stages/fit/stage.json"].map(|name| format!("one/{name}"))
    );
    assert_eq!(zip.by_name("one/stages/fit/stage.json").unwrap().size(), 200_000);
}

#[tokio::test]
async fn no_upload_of_the_fuzz_target_s_corpus_is_an_error_of_the_server() {
    let server = Server::new("exit 0");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/upload");
    let mut accepted = 0;
    for entry in std::fs::read_dir(folder).expect("the committed corpus") {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let Ok(query) = std::str::from_utf8(&bytes[..end]) else { continue };
        let archive = bytes.get(end + 1..).unwrap_or_default().to_vec();
        let request = axum::http::Request::post(format!("/api/experts?{query}")).header(header::HOST, "127.0.0.1:7860");
        let Ok(request) = request.header("x-kanrl-studio", "1").body(axum::body::Body::from(archive)) else { continue };
        let status = server.send_whole(request).await.status();
        assert!(!status.is_server_error(), "{query}: {status}");
        accepted += usize::from(status.is_success());
    }
    println!("{accepted} archives were accepted");
}

#[tokio::test]
async fn texts_travel_compressed_and_only_once() {
    let server = Server::new("exit 0");
    let compressed = server.send(get("/assets/story.js").header(header::ACCEPT_ENCODING, "gzip, br")).await;
    assert_eq!(compressed.headers()[header::CONTENT_ENCODING], "gzip");
    let tag = compressed.headers()[header::ETAG].clone();
    let bytes = body(compressed).await;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut text).unwrap();
    let plain = server.send(get("/assets/story.js")).await;
    assert!(plain.headers().get(header::CONTENT_ENCODING).is_none());
    assert_eq!(plain.headers()[header::ETAG], tag);
    assert_eq!(body(plain).await, text.as_bytes());
    let known = server.send(get("/assets/story.js").header(header::IF_NONE_MATCH, tag)).await;
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    assert!(known.headers().contains_key(header::CONTENT_SECURITY_POLICY));
    assert_eq!(body(known).await, b"");
    let other = server.send(get("/assets/app.js").header(header::IF_NONE_MATCH, "\"abc\"")).await;
    assert_eq!(other.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_whole_page_weighs_at_most_250_kilobytes_on_its_way() {
    let server = Server::new("exit 0");
    let page = String::from_utf8(body(server.send(get("/")).await).await).unwrap();
    let mut total = page.len();
    let names: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let response = server.send(get(name).header(header::ACCEPT_ENCODING, "gzip")).await;
        assert_eq!(response.status(), StatusCode::OK, "{name}");
        total += body(response).await.len();
    }
    println!("{total} bytes");
    assert!(total <= 250_000, "{total} bytes");
}

#[tokio::test]
async fn a_run_is_named_deleted_and_brought_back() {
    let server = Server::new("test \"$1\" = config && exit 0; sleep 60");
    server.finished_run("one");
    let send = async |path: &str, value: Value| server.send(post(&format!("/api/runs/{path}"), &value)).await.status();
    assert_eq!(send("one/label", json!({ "name": " Mine\n", "tags": ["a", "a", ""] })).await, StatusCode::OK);
    assert_eq!(server.json(get("/api/runs")).await[0]["label"], json!({ "name": "Mine", "tags": ["a"] }));
    assert_eq!(send("one/label", json!({ "nam": "x" })).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(send("one/delete", json!({})).await, StatusCode::OK);
    assert_eq!(server.json(get("/api/runs")).await, json!([]));
    for path in ["one/delete", "../one/restore", "two/restore", ".studio/restore"] {
        assert_eq!(send(path, json!({})).await, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(send("one/restore", json!({})).await, StatusCode::OK);
    assert_eq!(server.json(get("/api/runs")).await[0]["label"]["name"], "Mine");
    // One that is being extracted is not taken away.
    let id = server.json(post("/api/runs", &form("2"))).await["id"].as_str().unwrap().to_owned();
    assert_eq!(send(&format!("{id}/delete"), json!({})).await, StatusCode::CONFLICT);
    assert!(server.runs.join(id).is_dir());
}

#[tokio::test]
async fn a_form_that_is_asked_for_again_says_what_a_run_was_made_with() {
    let server = Server::new("exit 0");
    let mut wanted = form("3, 2");
    wanted["seed"] = json!("7");
    wanted["steps"] = json!("33");
    wanted["settings"] = json!("[evaluate]\nepisodes = 12\n");
    let id = server.json(post("/api/runs", &wanted)).await["id"].as_str().unwrap().to_owned();
    let again = server.json(get(&format!("/api/runs/{id}/again"))).await;
    for field in ["environment", "expert", "hidden", "seed", "steps"] {
        assert_eq!(again[field], wanted[field], "{field}: {again}");
    }
    assert!(again["settings"].as_str().unwrap().contains("episodes = 12"), "{again}");
    // It starts the same run.
    let second = server.json(post("/api/runs", &again)).await["id"].as_str().unwrap().to_owned();
    let config = |id: &str| std::fs::read_to_string(server.runs.join(id).join(RunFile::Config.name())).unwrap();
    assert_eq!(config(&id), config(&second));
}

#[tokio::test]
async fn a_run_that_ends_with_the_studio_was_interrupted_and_not_cancelled() {
    let server = Server::new("test \"$1\" = config && exit 0; trap 'exit 130' INT; sleep 60 & wait");
    let id = server.json(post("/api/runs", &form("2"))).await["id"].as_str().unwrap().to_owned();
    server.until(&id, json!({ "state": "running", "here": true })).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.stop().await;
    assert_eq!(server.again().json(get(&format!("/api/runs/{id}"))).await["state"], json!({ "state": "interrupted" }));
}

#[tokio::test]
async fn an_unknown_address_is_answered_as_it_was_asked() {
    let server = Server::new("exit 0");
    let page = server.send(get("/nowhere").header(header::ACCEPT, "text/html,*/*")).await;
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert!(page.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
    let program = server.send(get("/nowhere")).await;
    assert_eq!(program.headers()[header::CONTENT_TYPE], "application/json");
}

/// A stranger's form: no settings.
fn small() -> Value {
    json!({ "environment": "CartPole-v1", "hidden": "2" })
}

#[tokio::test]
async fn strangers_look_and_start_small_runs_and_change_nothing() {
    let server = Server::public("test \"$1\" = config && exit 0; trap 'exit 130' INT; sleep 60 & wait");
    server.finished_run("one");
    // By any name, also in a frame of a Hugging Face Space.
    let mut named = get("/").body(axum::body::Body::empty()).unwrap();
    named.headers_mut().insert(header::HOST, "user-kanrl.hf.space".parse().unwrap());
    let page = server.send_whole(named).await;
    assert_eq!(page.status(), StatusCode::OK);
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.contains("frame-ancestors 'self' https://huggingface.co"), "{policy}");
    assert!(String::from_utf8(body(page).await).unwrap().contains("<html data-public "));
    assert_eq!(server.json(get("/api/runs")).await.as_array().unwrap().len(), 1);
    for path in ["delete", "restore", "label", "save"] {
        let request = post(&format!("/api/runs/one/{path}"), &json!({ "outputs": [] }));
        assert_eq!(server.send(request).await.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let upload = common::upload("CartPole-v1", b"PK".to_vec());
    assert_eq!(server.send_whole(upload).await.status(), StatusCode::FORBIDDEN);
    for (field, value) in [("settings", "[evaluate]\nepisodes = 1000000"), ("hidden", "10, 10"), ("steps", "5000")] {
        let mut form = small();
        form[field] = json!(value);
        let answer = server.json(post("/api/runs", &form)).await;
        assert!(answer["fields"][field].as_str().unwrap().contains("a public studio takes"), "{answer}");
    }
    let of =
        |visitor: &'static str| move |request: axum::http::request::Builder| request.header("x-forwarded-for", visitor);
    let (one, other) = (of("1.1.1.1"), of("2.2.2.2"));
    let id = server.json(one(post("/api/runs", &small()))).await["id"].as_str().unwrap().to_owned();
    assert_eq!(server.send(one(post("/api/runs", &small()))).await.status(), StatusCode::TOO_MANY_REQUESTS);
    let cancel = format!("/api/runs/{id}/cancel");
    assert_eq!(server.send(other(post(&cancel, &json!({})))).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(server.send(one(post(&cancel, &json!({})))).await.status(), StatusCode::OK);
    server.until(&id, json!({ "state": "cancelled" })).await;
    assert_eq!(server.send(one(post("/api/runs", &small()))).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn twenty_strangers_and_fifty_watchers_are_served_at_once() {
    let server = Server::public("test \"$1\" = config && exit 0; trap 'exit 130' INT; sleep 60 & wait");
    let run = server.finished_run("one");
    std::fs::write(run.join(RunFile::Events.name()), "{\"event\":\"message\",\"stage\":\"fit\",\"text\":\"hello\"}\n")
        .unwrap();
    let watch = async || String::from_utf8(body(server.send(get("/api/runs/one/events")).await).await).unwrap();
    let visit = async |number: usize| {
        let visitor = format!("10.1.1.{number}");
        for path in ["/", "/assets/app.js", "/api/runs", "/api/environments", "/api/runs/one"] {
            let request = get(path).header("x-forwarded-for", &visitor);
            assert_eq!(server.send(request).await.status(), StatusCode::OK, "{path}");
        }
        server.send(post("/api/runs", &small()).header("x-forwarded-for", &visitor)).await.status()
    };
    let watchers = futures_util::future::join_all((0..50).map(|_| watch()));
    let visitors = futures_util::future::join_all((0..20).map(visit));
    let (watched, started) = futures_util::future::join(watchers, visitors).await;
    assert!(watched.iter().all(|text| text.contains("hello") && text.contains("finished")));
    // One runs, two wait, and the others are told to come again: by the queue, or by the workers that check configs.
    let begun = started.iter().filter(|status| **status == StatusCode::CREATED).count();
    assert_eq!(begun, 3, "{started:?}");
    let told = [StatusCode::CREATED, StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    assert!(started.iter().all(|status| told.contains(status)), "{started:?}");
}
